import type { Config } from '../config/schema.ts';
import { mapConcurrently } from '../core/concurrently.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { parseLsn } from '../core/lsn.ts';
import { type BackupEntry, lastVerification, listBackups, readManifest, type Series } from '../repository/backups.ts';
import type { Manifest } from '../repository/manifest.ts';
import { readPin } from '../repository/pins.ts';
import { type Repository, readIdentity } from '../repository/repository.ts';
import { listWal, readHistories, type WalListing } from '../repository/wal-archive.ts';
import { dueTiers } from './due.ts';
import { type Decision, decideBackups, type RetentionEntry } from './retention.ts';
import { tierRules } from './tiers.ts';
import { sizeOf } from './verify.ts';
import { decideWal, type WalBase, type WalRange, type WalState, windowNeeds } from './wal-retention.ts';

/** A repository of this cluster in a store, with the store's name in the configuration. */
export interface NamedRepository {
  readonly name: string;
  readonly repository: Repository;
}

export interface PlannedBackup extends Decision {
  readonly entry: BackupEntry;
  /** The name of the store. */
  readonly store: string;
  readonly sizeBytes: number | null;
}

export interface PlannedWal extends WalRange {
  /** The name of the store. */
  readonly store: string;
}

export interface PlannedPrune {
  readonly backups: readonly PlannedBackup[];
  readonly wal: readonly PlannedWal[];
}

export interface PlanOptions {
  readonly repositories: readonly NamedRepository[];
  /** Where the cluster's WAL may be archived. */
  readonly wal: readonly NamedRepository[];
  /** Whose dumps are decided about: those of other databases are another configuration's. */
  readonly database: string;
  readonly policy: Config['backup'];
  /** Only this series; all of the database and its cluster by default. */
  readonly series?: Series | undefined;
}

/** How many objects are asked for at once: each question costs a round trip on S3. */
export const AT_ONCE = 8;

/** Decides about everything of a cluster and one database of it, in all its stores. Reads only. */
export async function planRetention(options: PlanOptions, context: RunContext): Promise<PlannedPrune> {
  const { repositories, database, policy } = options;
  const known: Known[] = [];
  for (const { name, repository } of repositories) {
    const entries = (await listBackups(repository)).filter((entry) => concerns(entry, options));
    known.push(...(await mapConcurrently(entries, AT_ONCE, (entry) => lookAt(entry, name))).filter(isThere));
  }
  const bases = known.flatMap(({ base }) => base ?? []);
  const archives: { readonly store: string; readonly state: WalState }[] = [];
  const needed = new Set<string>();
  for (const { name, repository } of options.wal) {
    const state = await walState(repository, policy, context);
    archives.push({ store: name, state });
    for (const label of windowNeeds(bases, state)) needed.add(label);
  }
  const backups: PlannedBackup[] = [];
  for (const { name, repository } of repositories) {
    const own = known.filter(({ store }) => store === name);
    const rules = {
      keepMs: keepOf(policy),
      overdue: await overdueIn(name, repository, database, policy, context),
      windowNeeds: needed,
      now: context.clock.now(),
    };
    const decisions = decideBackups(
      own.map(({ retention }) => retention),
      rules,
    );
    for (const decision of decisions) {
      const { entry, sizeBytes } = own.find(({ retention }) => retention.label === decision.label)!;
      backups.push({ ...decision, entry, store: name, sizeBytes });
    }
  }
  const isKept = ({ retention, store }: Known) =>
    backups.some((each) => each.keep && each.label === retention.label && each.store === store);
  const kept = known.filter(isKept).flatMap(({ base }) => base ?? []);
  const holdBack = reasonToHoldWal(known);
  const wal = archives.flatMap(({ store, state }) =>
    decideWal(kept, state, holdBack).map((range) => ({ ...range, store })),
  );
  return { backups, wal };
}

interface Known {
  readonly entry: BackupEntry;
  readonly store: string;
  readonly retention: RetentionEntry;
  readonly base: WalBase | undefined;
  readonly sizeBytes: number | null;
}

function concerns({ parts }: BackupEntry, { database, series }: PlanOptions): boolean {
  if (parts.kind === 'dump')
    return parts.database === database && series?.kind !== 'base' && series?.kind !== 'incremental';
  return series?.kind !== 'dump';
}

/** undefined when somebody removes it meanwhile. */
async function lookAt(entry: BackupEntry, store: string): Promise<Known | undefined> {
  const { label } = entry;
  const { kind, at, database } = entry.parts;
  let manifest: Manifest | undefined;
  try {
    manifest = await readManifest(entry);
  } catch (error) {
    if (!(error instanceof StructdbError)) throw error;
    if (error.code === 'OBJECT_MISSING') return undefined;
    if (error.code !== 'MANIFEST_UNREADABLE') throw error;
  }
  const verified = (await lastVerification(entry))?.ok === true;
  const pinned = (await readPin(entry)) !== undefined;
  const said = manifest
    ? { tiers: manifest.tiers, purpose: manifest.purpose, keepLast: manifest.keepLast, parent: parentOf(manifest) }
    : { tiers: [], purpose: '', keepLast: null, parent: null };
  return {
    entry,
    store,
    retention: {
      label,
      kind,
      at,
      database,
      pinned,
      ...said,
      readable: manifest !== undefined,
      verified: manifest !== undefined && verified,
    },
    base: manifest && manifest.kind !== 'dump' ? baseOf(manifest, verified) : undefined,
    sizeBytes: manifest ? sizeOf(manifest) : null,
  };
}

function parentOf(manifest: Manifest): string | null {
  return manifest.kind === 'dump' ? null : manifest.parent;
}

function baseOf(manifest: Exclude<Manifest, { kind: 'dump' }>, verified: boolean): WalBase | undefined {
  const startLsn = parseLsn(manifest.startLsn);
  const stopLsn = parseLsn(manifest.stopLsn);
  if (startLsn === undefined || stopLsn === undefined) return undefined;
  const { label, timeline } = manifest;
  return { label, timeline, startLsn, stopLsn, consistentAt: new Date(manifest.stoppedAt), verified };
}

async function walState(repository: Repository, policy: Config['backup'], context: RunContext): Promise<WalState> {
  const listing = await listWal(repository);
  return {
    listing,
    histories: await knownHistories(repository, listing, context),
    segmentSizeBytes: (await readIdentity(repository)).walSegmentBytes,
    windowStart: new Date(context.clock.now().getTime() - policy.wal.recoveryWindow),
  };
}

/** A host that encrypts has no key to read with: each timeline then stands for itself, and more is kept. */
async function knownHistories(repository: Repository, listing: WalListing, context: RunContext) {
  try {
    return await readHistories(repository, listing);
  } catch (error) {
    const told = error instanceof StructdbError && ['KEY_MISSING', 'KEY_WRONG', 'WAL_CORRUPT'].includes(error.code);
    if (!told) throw error;
    context.report({
      kind: 'warning',
      message: `The histories of timelines cannot be read, so that more WAL may be kept than is needed: ${error.message}`,
    });
    return new Map();
  }
}

function keepOf(policy: Config['backup']) {
  const [daily, weekly, monthly] = tierRules(policy);
  return { daily: daily!.keepMs, weekly: weekly!.keepMs, monthly: monthly!.keepMs };
}

async function overdueIn(
  store: string,
  repository: Repository,
  database: string,
  policy: Config['backup'],
  context: RunContext,
) {
  const rules = tierRules(policy).filter((rule) => rule.store === store);
  const { due } = await dueTiers({ repository, database }, rules, policy, context);
  return rules.filter(({ tier }) => due.includes(tier));
}

/** WAL goes by what base backups say: while one is silent, or the newest is doubtful, all of it stays. */
function reasonToHoldWal(known: readonly Known[]): string | undefined {
  const cluster = known.map(({ retention }) => retention).filter(({ kind }) => kind !== 'dump');
  const unreadable = cluster.find(({ readable }) => !readable);
  if (unreadable) return `the manifest of ${unreadable.label} cannot be read`;
  const newest = cluster.sort((a, b) => (a.label < b.label ? -1 : 1)).at(-1);
  return newest && !newest.verified
    ? `nothing goes while the newest backup, ${newest.label}, is not verified`
    : undefined;
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}
