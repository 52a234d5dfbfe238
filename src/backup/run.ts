import type { ConnectionSettings } from '../config/connection.ts';
import { describeConnection } from '../config/connection.ts';
import type { Config } from '../config/schema.ts';
import type { RunContext } from '../core/context.ts';
import { toolVersion } from '../core/tool-version.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import type { SearchPlaces } from '../programs/find.ts';
import {
  leaseOf,
  listBackups,
  listLeftovers,
  recordVerification,
  removeBackup,
  type Series,
  writeManifest,
} from '../repository/backups.ts';
import type { Actor } from '../repository/holder.ts';
import { type BackupKind, nextLabel } from '../repository/label.ts';
import { withLease } from '../repository/lease.ts';
import { type DumpManifest, MANIFEST_FORMAT, type Tier } from '../repository/manifest.ts';
import { ensureRepository, openRepository, type Repository } from '../repository/repository.ts';
import type { Store } from '../storage/store.ts';
import { runClusterBackup } from './cluster-run.ts';
import { type DueTiers, dueTiers } from './due.ts';
import { type DumpFormat, type DumpPrograms, dumpDatabase, findDumpPrograms } from './dump.ts';
import { readBack, removeUnlisted, warnOfSkew } from './outcome.ts';
import { pruneSeries } from './prune.ts';
import { readSource, type Source } from './source.ts';
import { tiersServedBy } from './tiers.ts';
import { sizeOf } from './verify.ts';

export interface BackupOptions {
  readonly connection: ConnectionSettings;
  readonly store: Store;
  /** The store's name in the configuration: that of the daily tier by default. */
  readonly storeName?: string | undefined;
  /** A dump of the connection's database by default; a base or incremental backup of its whole cluster. */
  readonly kind?: BackupKind | undefined;
  /** Where the WAL of this cluster is archived; the same store by default. */
  readonly walStore?: Store | undefined;
  readonly places: SearchPlaces;
  readonly policy: Config['backup'];
  readonly actor: Actor;
}

export interface RunOptions extends BackupOptions {
  /** What it is made for: `run`, `quickstart`. `keepLast` touches only backups of the same purpose. */
  readonly purpose: string;
  /** Keep that many of this purpose: such a backup claims no tier, and older ones of its kind go. */
  readonly keepLast?: number | undefined;
  /** Of a dump; `directory` when more than one connection copies. */
  readonly format?: DumpFormat | undefined;
  /** Connections of a dump; those of the policy by default. */
  readonly jobs?: number | undefined;
  /** Tiers that a backup of a cluster satisfies. */
  readonly tiers?: readonly Tier[];
  /** Of backups of a cluster; that of the policy by default. */
  readonly compression?: Config['backup']['compression'] | undefined;
  /** How long the archive may stand still while a backup of a cluster waits for its WAL, in milliseconds. */
  readonly archiveWaitMs?: number;
}

export interface BackupResult {
  readonly label: string;
  readonly kind: BackupKind;
  /** What an increment is relative to; null for the others. */
  readonly parent: string | null;
  /** Of a dump; null for a backup of a cluster. */
  readonly database: string | null;
  readonly tiers: readonly Tier[];
  readonly sizeBytes: number;
  /** Of the files that a backup of a cluster restores; null for a dump. */
  readonly plainBytes: number | null;
  /** Of a dump; null for a backup of a cluster. */
  readonly rows: number | null;
  readonly tables: number | null;
  readonly durationMs: number;
  readonly store: string;
  /** Labels of older backups that were removed afterwards. */
  readonly removed: readonly string[];
}

/** What `structdb backup` did: null when no tier is due, with the label that satisfies it. */
export interface DueResult {
  readonly made: BackupResult | null;
  readonly satisfiedBy: string | null;
}

/**
 * Backs up now: the database, or the whole cluster. The manifest is written last: a run that fails or is killed leaves
 * no listed backup, and the next run sweeps its objects.
 * @throws LOCKED, PROGRAM_TOO_OLD, PERMISSION_DENIED, DISK_FULL, CONNECTION_LOST, CLOCK_SKEW, BACKUP_CORRUPT, …
 */
export async function runBackup(options: RunOptions, context: RunContext): Promise<BackupResult> {
  const { kind = 'dump', keepLast } = options;
  if (kind !== 'dump') {
    const tiers = options.tiers ?? (keepLast === undefined ? (await readDue(options, context)).due : []);
    return runClusterBackup({ ...options, kind, tiers }, context);
  }
  return withSeries(options, context, async (work, leased) => {
    const tiers = keepLast === undefined ? (await dueIn(work.repository, options, leased)).due : [];
    return makeBackup({ ...options, ...work, tiers }, leased);
  });
}

/** Makes a backup when a tier of its kind and store is due, or tells which one satisfies the current period. */
export async function runDueBackup(options: BackupOptions, context: RunContext): Promise<DueResult> {
  const { kind = 'dump' } = options;
  if (kind !== 'dump') {
    const { due, satisfiedBy } = await readDue(options, context);
    if (due.length === 0) return { made: null, satisfiedBy };
    const made = await runClusterBackup({ ...options, kind, purpose: 'schedule', tiers: due }, context);
    return { made, satisfiedBy: null };
  }
  return withSeries(options, context, async (work, leased) => {
    const { due, satisfiedBy } = await dueIn(work.repository, options, leased);
    if (due.length === 0) return { made: null, satisfiedBy };
    const made = await makeBackup({ ...options, ...work, purpose: 'schedule', tiers: due }, leased);
    return { made, satisfiedBy: null };
  });
}

/** Which tiers of the kind and store are due. Takes no lease and writes nothing. */
export async function readDue(options: BackupOptions, context: RunContext): Promise<DueTiers> {
  const { identity } = await withClient(options.connection, profiles.probe, context, (client) =>
    readSource(client, context.clock.now()),
  );
  return dueIn(openRepository(options.store, identity.systemIdentifier), options, context);
}

function dueIn(repository: Repository, options: BackupOptions, context: RunContext): Promise<DueTiers> {
  const { policy, connection, kind = 'dump', storeName = policy.daily.store } = options;
  const rules = tiersServedBy(kind, storeName, policy);
  return dueTiers({ repository, database: connection.database }, rules, policy, context);
}

interface Work {
  readonly repository: Repository;
  readonly series: Series;
  readonly source: Source;
  readonly programs: DumpPrograms;
}

/** Looks at the server, opens the repository and holds the lease of this database's dumps. */
async function withSeries<T>(
  options: BackupOptions,
  context: RunContext,
  work: (work: Work, context: RunContext) => Promise<T>,
): Promise<T> {
  const { connection } = options;
  const source = await withClient(connection, profiles.probe, context, (client) =>
    readSource(client, context.clock.now()),
  );
  const programs = await findDumpPrograms(options.places, source.major);
  warnOfSkew(source, context);
  const repository = await ensureRepository(options.store, source.identity);
  const series: Series = { kind: 'dump', database: connection.database };
  return withLease(repository, leaseOf(series), options.actor, context, (leased) =>
    work({ repository, series, source, programs }, leased),
  );
}

async function makeBackup(
  options: RunOptions & Work & { readonly tiers: readonly Tier[] },
  context: RunContext,
): Promise<BackupResult> {
  const { repository, series, connection } = options;
  for (const leftover of await listLeftovers(repository, series)) await removeBackup(repository, leftover);
  const last = (await listBackups(repository, series)).at(-1)?.label;
  const at = context.clock.now();
  const label = nextLabel({ at, ...series }, last);
  const startedMs = context.clock.monotonicMs();
  let publishing = false;
  try {
    const jobs = options.jobs ?? (options.format === 'custom' ? 1 : options.policy.daily.jobs);
    const format = options.format ?? (jobs > 1 ? 'directory' : 'custom');
    const dumped = await dumpDatabase({ ...options, label, jobs, format }, context);
    const manifest: DumpManifest = {
      format: MANIFEST_FORMAT,
      label,
      kind: 'dump',
      tiers: [...options.tiers],
      purpose: options.purpose,
      keepLast: options.keepLast ?? null,
      systemIdentifier: repository.systemIdentifier,
      durationMs: Math.round(context.clock.monotonicMs() - startedMs),
      timeline: options.source.timeline,
      server: {
        version: options.source.version,
        major: options.source.major,
        dataChecksums: options.source.dataChecksums,
        tablespaces: [...options.source.tablespaces],
      },
      tools: {
        structdb: toolVersion(),
        pgDump: options.programs.pgDump.version,
        pgDumpall: options.programs.pgDumpall.version,
      },
      actor: options.actor,
      source: describeConnection(connection),
      store: repository.store.location,
      ...dumped,
    };
    await readBack(repository, manifest, options.places, context);
    publishing = true;
    await writeManifest(repository, manifest);
    publishing = false;
    const entry = { repository, label, parts: { at, ...series } };
    await recordVerification(entry, { ok: true, problems: [], method: 'read' }, context.clock);
    const removed = await pruneSeries({ ...options, wal: repository }, context);
    return {
      label,
      kind: 'dump',
      parent: null,
      database: connection.database,
      tiers: manifest.tiers,
      sizeBytes: sizeOf(manifest),
      plainBytes: null,
      rows: manifest.tables.reduce((sum, table) => sum + table.rows, 0),
      tables: manifest.tables.length,
      durationMs: manifest.durationMs,
      store: repository.store.location,
      removed,
    };
  } catch (error) {
    // A manifest whose answer was lost may still arrive: the next run sees whether it did, and sweeps what is not listed.
    if (!publishing) await removeUnlisted(repository, label);
    throw error;
  }
}
