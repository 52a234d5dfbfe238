import type { ConnectionSettings } from '../config/connection.ts';
import { describeConnection } from '../config/connection.ts';
import type { Config } from '../config/schema.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { asStep } from '../core/progress.ts';
import { toolVersion } from '../core/tool-version.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import type { SearchPlaces } from '../programs/find.ts';
import {
  listBackups,
  listLeftovers,
  recordVerification,
  removeBackup,
  type Series,
  writeManifest,
} from '../repository/backups.ts';
import type { Actor } from '../repository/holder.ts';
import { encodeName, nextLabel } from '../repository/label.ts';
import { withLease } from '../repository/lease.ts';
import { type DumpManifest, MANIFEST_FORMAT, type Tier } from '../repository/manifest.ts';
import { ensureRepository, type Repository } from '../repository/repository.ts';
import type { Store } from '../storage/store.ts';
import { dueTiers } from './due.ts';
import { type DumpPrograms, dumpDatabase, findDumpPrograms } from './dump.ts';
import { prune } from './prune.ts';
import { readSource, type Source } from './source.ts';
import { findProblems, sizeOf } from './verify.ts';

export interface BackupOptions {
  readonly connection: ConnectionSettings;
  readonly store: Store;
  readonly places: SearchPlaces;
  readonly policy: Config['backup'];
  readonly actor: Actor;
}

export interface RunOptions extends BackupOptions {
  /** What it is made for: `run`, `quickstart`. `keepLast` touches only backups of the same purpose. */
  readonly purpose: string;
  /** Keep that many of this purpose: such a backup claims no tier, and older ones of its kind go. */
  readonly keepLast?: number | undefined;
}

export interface BackupResult {
  readonly label: string;
  readonly database: string;
  readonly tiers: readonly Tier[];
  readonly sizeBytes: number;
  readonly rows: number;
  readonly tables: number;
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
 * Dumps the database now. The manifest is written last: a run that fails or is killed leaves no listed backup, and
 * the next run sweeps its objects.
 * @throws LOCKED, PROGRAM_TOO_OLD, PERMISSION_DENIED, DISK_FULL, CONNECTION_LOST, CLOCK_SKEW, BACKUP_CORRUPT, …
 */
export async function runBackup(options: RunOptions, context: RunContext): Promise<BackupResult> {
  return withSeries(options, context, async (work, leased) => {
    const tiers = options.keepLast === undefined ? (await dueTiers(work, options.policy, leased)).due : [];
    return makeBackup({ ...options, ...work, tiers }, leased);
  });
}

/** The cron line: makes the backup that is due, or tells which one satisfies the current day. */
export async function runDueBackup(options: BackupOptions, context: RunContext): Promise<DueResult> {
  return withSeries(options, context, async (work, leased) => {
    const { due, satisfiedBy } = await dueTiers(work, options.policy, leased);
    if (due.length === 0) return { made: null, satisfiedBy };
    const made = await makeBackup({ ...options, ...work, purpose: 'schedule', tiers: due }, leased);
    return { made, satisfiedBy: null };
  });
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
  const lease = `dump-${encodeName(connection.database)}`;
  return withLease(repository, lease, options.actor, context, (leased) =>
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
  try {
    const dumped = await dumpDatabase({ ...options, label }, context);
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
    await readBack(options, manifest, context);
    await writeManifest(repository, manifest);
    const entry = { repository, label, parts: { at, ...series } };
    await recordVerification(entry, { ok: true, problems: [], method: 'read' }, context.clock);
    const keepLast = options.keepLast === undefined ? undefined : { purpose: options.purpose, count: options.keepLast };
    const removed = await prune({ repository, series, policy: options.policy, keepLast }, context);
    return {
      label,
      database: connection.database,
      tiers: manifest.tiers,
      sizeBytes: sizeOf(manifest),
      rows: manifest.tables.reduce((sum, table) => sum + table.rows, 0),
      tables: manifest.tables.length,
      durationMs: manifest.durationMs,
      store: repository.store.location,
      removed,
    };
  } catch (error) {
    await removeUnlisted(repository, label);
    throw error;
  }
}

/** What the store gives back is what was dumped, and pg_restore can read it: only then is it a backup. */
async function readBack(options: RunOptions, manifest: DumpManifest, context: RunContext): Promise<void> {
  const { repository } = options as RunOptions & Work;
  const problems = await asStep(context, 'backup.read-back', 'Reading the backup again', () =>
    findProblems(repository, manifest, options.places, context),
  );
  if (problems.length === 0) return;
  throw new StructdbError('BACKUP_CORRUPT', `The store ${repository.store.location} did not keep what was written.`, {
    details: problems,
    hint: 'Check the disk or the store; the backup was not listed and its objects were removed.',
  });
}

/** A failure after the manifest was written leaves a whole, listed backup: that stays. */
async function removeUnlisted(repository: Repository, label: string): Promise<void> {
  try {
    if (!(await repository.store.head(repository.keys.manifest(label)))) await removeBackup(repository, label);
  } catch {
    // The next run sweeps it; the error that brought us here is the one to tell.
  }
}

const TOLERATED_SKEW_MS = 60_000;

function warnOfSkew(source: Source, context: RunContext): void {
  if (Math.abs(source.skewMs) < TOLERATED_SKEW_MS) return;
  context.report({
    kind: 'warning',
    message: `The server's clock differs from this machine's by ${Math.round(source.skewMs / 1000)} s.`,
    hint: 'Set both by NTP: labels and retention go by this clock, the times in the manifest by that one.',
  });
}
