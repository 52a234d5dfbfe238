import * as z from 'zod';
import { StructdbError } from '../core/errors.ts';
import { parseJson } from './repository.ts';

/** The format that this structdb writes, and the newest it reads. */
export const MANIFEST_FORMAT = 1;

const count = z.number().int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const instant = z.iso.datetime();
const text = z.string();

/** An object of the backup, by its name below the backup's folder. */
const part = z.object({ name: text, sizeBytes: count, sha256 });

const table = z.object({
  schema: text,
  name: text,
  rows: count,
  /** docs/repository.md, "Content hash". */
  contentHash: text.regex(/^[0-9a-f]{32}$/),
});

/** What belongs to a database and not to its contents: `pg_dump` without --create leaves it out, restore puts it back. */
const database = z.object({
  name: text,
  oid: count,
  owner: text,
  comment: text.nullable(),
  encoding: text,
  /** `libc`, `icu` or `builtin`. */
  localeProvider: text,
  collate: text,
  ctype: text,
  /** The ICU or builtin locale. */
  locale: text.nullable(),
  icuRules: text.nullable(),
  /** As recorded in the database, and as the server's libraries have it now: they differ after an upgrade of the system. */
  collationVersion: text.nullable(),
  actualCollationVersion: text.nullable(),
  tablespace: text,
  connectionLimit: z.number().int(),
  /** ALTER DATABASE … SET (role null) and ALTER ROLE … IN DATABASE … SET; value as pg_db_role_setting keeps it. */
  settings: z.array(z.object({ role: text.nullable(), name: text, value: text })),
  /** null: nobody changed the default. `grantee` null is PUBLIC. */
  privileges: z.array(z.object({ grantee: text.nullable(), privilege: text, grantable: z.boolean() })).nullable(),
});

const sequence = z.object({
  schema: text,
  name: text,
  /** As text: beyond 2^53. */
  nextValue: text,
  increment: text,
  /** The column that takes its values, and the value used furthest in the direction of the increment; null when empty. */
  ownedBy: z.object({ schema: text, table: text, column: text, greatestUsed: text.nullable() }).nullable(),
});

const extension = z.object({ name: text, version: text, schema: text });

/** Sections (`tables`, `indexes`, …) of name → definition: two structures are equal when these are. */
const structure = z.record(text, z.record(text, text));

/** What every backup's manifest says. */
const common = {
  format: z.literal(MANIFEST_FORMAT),
  label: text,
  /** The tiers that this backup satisfies. */
  tiers: z.array(z.enum(['daily', 'weekly', 'monthly'])),
  /** What it was made for: `schedule`, `run`, `quickstart`. */
  purpose: text,
  /** Set when it goes as soon as that many newer ones of the same purpose are there. */
  keepLast: count.nullable(),
  systemIdentifier: text,
  /** By the server's clock. */
  startedAt: instant,
  stoppedAt: instant,
  durationMs: z.number().nonnegative(),
  startLsn: text,
  stopLsn: text,
  parts: z.array(part).min(1),
  actor: z.object({ host: text, user: text, command: text }),
  /** Where it was taken from, without password, and where it was written to. */
  source: text,
  store: text,
};

const server = z.object({
  version: text,
  major: count,
  dataChecksums: z.boolean(),
  tablespaces: z.array(text),
});

const dumpManifest = z.object({
  ...common,
  kind: z.literal('dump'),
  timeline: count.nullable(),
  server,
  tools: z.object({ structdb: text, pgDump: text, pgDumpall: text }),
  extensions: z.array(extension),
  database,
  /** How globals.sql was made: with passwords, without, or why there is none. */
  globals: z.object({ included: z.boolean(), passwords: z.boolean(), reason: text.nullable() }),
  tables: z.array(table),
  sequences: z.array(sequence),
  structure,
});

/** What a base backup and an incremental one say: of a whole cluster. */
const cluster = {
  ...common,
  /** The timeline at the start; replay begins at `startLsn` on it, and is consistent from `stopLsn` on. */
  timeline: count,
  server,
  /** structdb speaks the replication protocol itself; compression: `zstd`, its level, and where it was done. */
  tools: z.object({ structdb: text, compression: text }),
  walSegmentBytes: count,
  /** The WAL from start to stop is inside, so that the backup restores on its own. */
  walIncluded: z.boolean(),
  /** The segments that hold start and stop. */
  walSegments: z.object({ first: text, last: text }),
  /** Taken from a server in recovery. */
  fromStandby: z.boolean(),
  /** Size of what is restored, in bytes: files of all tablespaces, without WAL. */
  plainBytes: count,
  /** Those beside pg_default and pg_global; each has a part of its own, `<oid>.tar.zst`. */
  tablespaces: z.array(z.object({ oid: text, name: text, location: text })),
  /** Files outside the data directory that the server reads (config_file, hba_file, ident_file), each in a part. */
  configFiles: z.array(z.object({ setting: text, path: text, part: text })),
  /** `extensions` null: the role may not connect to that database. */
  databases: z.array(
    z.object({
      name: text,
      oid: count,
      sizeBytes: count,
      collationVersion: text.nullable(),
      extensions: z.array(extension).nullable(),
    }),
  ),
  /** Settings that a server needs at least as high as its source to replay (PostgreSQL manual, "Hot Standby"). */
  requiredSettings: z.record(text, text),
  /** shared_preload_libraries of the source. */
  preloadLibraries: z.array(text),
  /** Who may log in and do everything: whoever restores must call the server by a name. null: unknown, or there is none. */
  superuser: text.nullable().default(null),
  /** What this backup lacks, and what was found wrong in its source; one line each. */
  warnings: z.array(text),
};

const baseManifest = z.object({ ...cluster, kind: z.literal('base'), parent: z.null() });

/** Holds what changed since its parent, which is a `base` or `incremental` of the same store and timeline. */
const incrementalManifest = z.object({ ...cluster, kind: z.literal('incremental'), parent: text });

const manifest = z.discriminatedUnion('kind', [dumpManifest, baseManifest, incrementalManifest]);

export type Manifest = z.output<typeof manifest>;
export type DumpManifest = z.output<typeof dumpManifest>;
/** Of a base backup, whole or incremental. */
export type ClusterManifest = z.output<typeof baseManifest> | z.output<typeof incrementalManifest>;
export type ManifestPart = Manifest['parts'][number];
export type TableFingerprint = DumpManifest['tables'][number];
export type DatabaseBelongings = DumpManifest['database'];
export type SequenceState = DumpManifest['sequences'][number];
export type Structure = DumpManifest['structure'];
export type Extension = DumpManifest['extensions'][number];
export type Tier = Manifest['tiers'][number];

/** A manifest from its bytes. @throws MANIFEST_UNREADABLE with what is wrong where. */
export function parseManifest(bytes: Buffer, where: string): Manifest {
  const json = parseJson(bytes) as { format?: unknown } | undefined;
  if (typeof json?.format === 'number' && json.format > MANIFEST_FORMAT) {
    throw new StructdbError(
      'MANIFEST_UNREADABLE',
      `${where} was written by a newer structdb (format ${json.format}).`,
      {
        hint: 'Use that structdb, or restore by hand: docs/recovery-without-structdb.md',
      },
    );
  }
  const parsed = manifest.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new StructdbError('MANIFEST_UNREADABLE', `${where} is not a whole manifest: it was cut or altered.`, {
    details: parsed.error.issues
      .slice(0, 5)
      .map((issue) => `${issue.path.join('.') || 'the document'}: ${issue.message}`),
    hint: 'Use another backup (structdb backup list), or restore by hand: docs/recovery-without-structdb.md',
  });
}
