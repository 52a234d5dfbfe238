import { z } from 'zod';
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

const directoryStore = z.strictObject({
  type: z.literal('directory'),
  /** Relative paths are taken from the folder of the configuration file. */
  path: z.string().min(1),
  /** Makes the store 2770/0660 instead of 0700/0600, for a server and a cron user that differ. */
  groupAccess: z.boolean().default(false),
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
      .record(z.string().regex(/^[a-z][a-z0-9_-]*$/i, 'a store is named with letters, digits, - and _'), directoryStore)
      .default({}),
    backup: z
      .strictObject({
        daily: z
          .strictObject({
            kind: z.literal('dump').default('dump'),
            store: z.string().default('local'),
            keep: duration('30 days'),
            at: z
              .string()
              .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day such as "02:00"')
              .default('02:00'),
          })
          .prefault({}),
        /** IANA zone in which days begin. */
        timeZone: z.string().default('UTC').refine(isTimeZone, 'not a time zone such as "UTC" or "Europe/Berlin"'),
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
    objectives: z
      .strictObject({
        rto: duration('15 minutes'),
        rpo: duration('5 minutes'),
        simpleFilters: duration('10 ms'),
        complexQueries: duration('50 ms'),
        aggregations: duration('100 ms'),
        indexHitRate: rate(0.95),
        cacheHitRate: rate(0.99),
        connectionUtilisation: rate(0.5),
      })
      .prefault({}),
  })
  .superRefine((config, context) => {
    const { store } = config.backup.daily;
    if (store !== 'local' && !(store in config.stores)) {
      context.addIssue({
        code: 'custom',
        path: ['backup', 'daily', 'store'],
        message: `there is no store named "${store}" under stores`,
      });
    }
  });

function isTimeZone(name: string): boolean {
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
