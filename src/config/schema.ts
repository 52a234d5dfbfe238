import * as z from 'zod';
import { hasBech32Checksum } from '../core/bech32.ts';
import { parseDuration } from '../core/units.ts';

/** A span such as `15 minutes`, kept in milliseconds. */
const duration = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms === undefined || ms <= 0) {
        context.addIssue({
          code: 'custom',
          message: `"${text}" is not a duration such as "10 ms", "15 minutes" or "30 days"`,
        });
        return z.NEVER;
      }
      return ms;
    });

const rate = (fallback: number) => z.number().min(0).max(1).default(fallback);

/** Encryption in the age format: writing needs the recipients only, restoring an identity. */
const encryption = z.strictObject({
  /** Public keys: `age1…`. */
  recipients: z
    .array(
      z
        .string()
        .regex(/^age1[0-9a-z]{58}$/, 'an age public key such as "age1…" (age-keygen writes one)')
        .refine(hasBech32Checksum, 'its checksum is wrong: a typing error; copy the public key again'),
    )
    .min(1, 'at least one recipient is needed'),
  /** A file with the secret key, on hosts that restore; --identity names one too. */
  identityFile: z.string().min(1).optional(),
});

const directoryStore = z.strictObject({
  type: z.literal('directory'),
  /** Relative paths are taken from the folder of the configuration file. */
  path: z.string().min(1),
  /** Makes the store 2770/0660 instead of 0700/0600, for a server and a cron user that differ. */
  groupAccess: z.boolean().default(false),
  encryption: encryption.optional(),
});

const s3Store = z.strictObject({
  type: z.literal('s3'),
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'a bucket name of 3 to 63 lower-case letters, digits, . and -'),
  /** Begins every key; several stores may share a bucket. */
  prefix: z
    .string()
    .regex(
      /^([A-Za-z0-9_=%+@!-][A-Za-z0-9_.=%+@!-]*(\/[A-Za-z0-9_=%+@!-][A-Za-z0-9_.=%+@!-]*)*)?$/,
      'a prefix such as "prod" or "team/prod", without a slash at either end',
    )
    .default(''),
  /** Of a server other than AWS: `https://s3.example.org`. */
  endpoint: z.url({ protocol: /^https?$/ }).optional(),
  region: z.string().min(1).default('us-east-1'),
  /** `https://endpoint/bucket/key` instead of `https://bucket.endpoint/key`; the default where an endpoint is named. */
  pathStyle: z.boolean().optional(),
  /** Without both, the standard chain of AWS is asked: environment, profile, container, instance. */
  accessKeyId: z.string().min(1).optional(),
  secretAccessKey: z.string().min(1).optional(),
  /** A profile of ~/.aws. */
  profile: z.string().min(1).optional(),
  storageClass: z.string().min(1).optional(),
  /**
   * Whether the server refuses to overwrite where it is asked not to (If-None-Match), as AWS, Ceph, MinIO and SeaweedFS
   * do. `checked` looks first, which helps where it does not; the default where an endpoint is named.
   */
  conditionalWrites: z.enum(['enforced', 'checked']).optional(),
  /** How long one request may take without progress. */
  requestTimeout: duration('60 seconds'),
  encryption: encryption.optional(),
});

const storeConfig = z.discriminatedUnion('type', [directoryStore, s3Store]);

const timeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day such as "02:00"')
  .default('02:00');

const backupKind = z.enum(['dump', 'base', 'incremental']);

/** What is told after a scheduled backup or drill: a shell command, an address that is fetched (a dead man's switch), or both. */
const notification = z.strictObject({
  command: z.string().min(1).optional(),
  url: z.url({ protocol: /^https?$/ }).optional(),
});

/** One strict schema, every default in one place. Unknown keys are refused. */
export const configSchema = z
  .strictObject({
    database: z
      .strictObject({
        url: z.string().optional(),
      })
      .prefault({}),
    programs: z
      .strictObject({
        /** Folders that hold PostgreSQL's programs, looked at before all other places. */
        directories: z.array(z.string()).default([]),
      })
      .prefault({}),
    stores: z
      .record(z.string().regex(/^[a-z][a-z0-9_-]*$/i, 'a store is named with letters, digits, - and _'), storeConfig)
      .default({}),
    backup: z
      .strictObject({
        daily: z
          .strictObject({
            kind: backupKind.default('dump'),
            store: z.string().default('local'),
            keep: duration('30 days'),
            at: timeOfDay,
            /** Connections that dump at the same time; more than one makes a dump in directory format. */
            jobs: z.number().int().min(1).max(64).default(1),
          })
          .prefault({}),
        /** Begins on Mondays, at the time of `daily.at`. Absent: base backups, where the role may (src/config/store-names.ts). */
        weekly: z
          .strictObject({ kind: backupKind.default('base'), store: z.string(), keep: duration('12 weeks') })
          .optional(),
        /** Begins on the first of each month. */
        monthly: z
          .strictObject({ kind: backupKind.default('base'), store: z.string(), keep: duration('12 months') })
          .optional(),
        /** Where `wal push`, `wal receive` and `wal fetch` work, and how far back every instant must be reachable. */
        wal: z
          .strictObject({
            store: z.string().optional(),
            recoveryWindow: duration('7 days'),
            /** The physical replication slot of `wal receive`. */
            slot: z
              .string()
              .regex(/^[a-z0-9_]{1,63}$/, 'a slot name of lower-case letters, digits and _')
              .default('structdb'),
          })
          .prefault({}),
        compression: z
          .strictObject({
            /** Zstandard level. */
            level: z.number().int().min(1).max(19).default(3),
            /** Worker threads of the compressor; 0: as many as there are processors. */
            threads: z.number().int().min(0).max(64).default(0),
          })
          .prefault({}),
        onSuccess: notification.optional(),
        onFailure: notification.optional(),
        /** IANA zone in which days begin. */
        timeZone: z.string().default('UTC').refine(isTimeZone, 'not a time zone such as "UTC" or "Europe/Berlin"'),
      })
      .prefault({}),
    migrations: z
      .strictObject({
        /** The folder whose files are the migrations, instead of those that ship; relative to the configuration's folder. */
        directory: z.string().min(1).optional(),
      })
      .prefault({}),
    dev: z
      .strictObject({
        port: z.number().int().min(1).max(65535).optional(),
        /** Development WAL beyond this is trimmed, oldest first, while no base backup needs it. */
        walLimit: z
          .number()
          .int()
          .positive()
          .default(2 * 1024 ** 3),
      })
      .prefault({}),
    bench: z
      .strictObject({
        /** Files and folders of queries that `bench` times, relative to the configuration's folder; none: `platform`. */
        suites: z.array(z.string().min(1)).default([]),
      })
      .prefault({}),
    monitor: z
      .strictObject({
        /** Where `monitor serve` listens; loopback unless told otherwise. */
        host: z.string().min(1).default('127.0.0.1'),
        port: z.number().int().min(0).max(65535).default(9187),
        /** Further databases to scrape, as connection URLs. */
        databases: z.array(z.string().min(1)).default([]),
        /** TLS and basic authentication, as Prometheus' exporters have them (--web.config.file); relative to the configuration's folder. */
        webConfig: z.string().min(1).optional(),
        /** A scrape ends by then, with what it has. */
        scrapeTimeout: duration('8 seconds'),
        /** How often stores, archives and evidence are looked at. */
        factsEvery: duration('60 seconds'),
        /** How often the page's history takes a sample while nobody scrapes. */
        sampleEvery: duration('15 seconds'),
        /** Writes structdb.heartbeat every 10 s, by which a drill tells how much was lost; `wal receive` does so too. */
        heartbeat: z.boolean().default(false),
        /** Queries of pg_stat_statements that are told by name. */
        statements: z.number().int().min(0).max(100).default(10),
      })
      .prefault({}),
    objectives: z
      .strictObject({
        rto: duration('15 minutes'),
        rpo: duration('5 minutes'),
        /** How old the last good drill may be. */
        drillInterval: duration('8 days'),
        simpleFilters: duration('10 ms'),
        complexQueries: duration('50 ms'),
        aggregations: duration('100 ms'),
        /** How many times slower simple filters may be for a hundredfold of data. */
        simpleGrowth: z.number().min(1).default(1.5),
        indexHitRate: rate(0.95),
        cacheHitRate: rate(0.99),
        connectionUtilisation: rate(0.5),
      })
      .prefault({}),
  })
  .superRefine((config, context) => {
    for (const tier of ['daily', 'weekly', 'monthly', 'wal'] as const) {
      const store = config.backup[tier]?.store;
      if (store === undefined || store === 'local' || store in config.stores) continue;
      context.addIssue({
        code: 'custom',
        path: ['backup', tier, 'store'],
        message: `there is no store named "${store}" under stores`,
      });
    }
    for (const [name, store] of Object.entries(config.stores)) {
      if (store.type !== 's3' || (store.accessKeyId === undefined) === (store.secretAccessKey === undefined)) continue;
      context.addIssue({
        code: 'custom',
        path: ['stores', name],
        message: 'accessKeyId and secretAccessKey belong together',
      });
    }
  });

function isTimeZone(name: string): boolean {
  // The default needs no look into Node's tables of time zones, which would take every command 15 ms.
  if (name === 'UTC') return true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** What a user writes. */
export type UserConfig = z.input<typeof configSchema>;
/** What capabilities are given: validated, with defaults, durations in milliseconds. */
export type Config = Readonly<z.output<typeof configSchema>>;
export type Objectives = Config['objectives'];
export type StoreConfig = Config['stores'][string];
