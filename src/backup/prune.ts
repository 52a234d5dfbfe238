import type { ConnectionSettings } from '../config/connection.ts';
import type { Config } from '../config/schema.ts';
import { walStoreName } from '../config/store-names.ts';
import type { RunContext } from '../core/context.ts';
import { messageOf, StructdbError } from '../core/errors.ts';
import { asStep } from '../core/progress.ts';
import { formatBytes, formatCount } from '../core/units.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { leaseOf, type Series } from '../repository/backups.ts';
import type { Actor } from '../repository/holder.ts';
import type { BackupKind } from '../repository/label.ts';
import { withLease } from '../repository/lease.ts';
import { openRepository, type Repository } from '../repository/repository.ts';
import type { Store } from '../storage/store.ts';
import { type NamedRepository, type PlannedBackup, type PlannedPrune, planRetention } from './prune-plan.ts';
import { type HeldSeries, removeAll, removeLeftovers, removeWal } from './removal.ts';
import { readSource } from './source.ts';
import { tierRules } from './tiers.ts';
import type { WalRange } from './wal-retention.ts';

export interface PruneOptions {
  readonly connection: ConnectionSettings;
  /** Opens a store by its name in the configuration. */
  readonly openStore: (name: string) => Promise<Store>;
  readonly policy: Config['backup'];
  readonly actor: Actor;
}

/** What `structdb backup prune` tells of one backup. */
export interface PruneLine {
  readonly store: string;
  readonly label: string;
  readonly kind: BackupKind;
  readonly database: string | null;
  /** null where the manifest cannot be read. */
  readonly sizeBytes: number | null;
  readonly keep: boolean;
  readonly reason: string;
}

export type WalLine = Omit<WalRange, 'keys'> & { readonly store: string };

export interface PrunePlan {
  readonly backups: readonly PruneLine[];
  readonly wal: readonly WalLine[];
}

export interface PruneResult extends PrunePlan {
  /** Labels of the backups that were removed. */
  readonly removed: readonly string[];
  readonly removedSegments: number;
  /** What killed runs had left of other backups. */
  readonly removedLeftovers: readonly string[];
  readonly freedBytes: number;
  /** What somebody else works on right now, and was left as it is. */
  readonly leftAlone: readonly string[];
}

/** The lease of a repository under which backups are pruned, pinned and released. */
export const PRUNE_LEASE = 'prune';

/** What retention would do now. Writes nothing, takes no lease. @throws what reading stores and server throws */
export async function planPrune(options: PruneOptions, context: RunContext): Promise<PrunePlan> {
  const scene = await openScene(options, context);
  return describe(await planRetention(scene, context));
}

/**
 * Removes what retention no longer keeps: backups of the connection's database and its cluster, in every store of the
 * policy, and archived WAL. Decided again under the leases of all that is removed; what somebody else makes right now
 * is left alone. First the manifest goes, then the objects: a run that is killed leaves nothing that is listed and
 * partial, and the next one clears it away. `confirmed`: remove nothing that this plan did not name.
 * @throws LOCKED when another prune runs
 */
export async function pruneBackups(
  options: PruneOptions,
  context: RunContext,
  confirmed?: PrunePlan,
): Promise<PruneResult> {
  const scene = await openScene(options, context);
  return underPruneLeases(scene.wal, options.actor, context, (leased) =>
    underSeriesLeases(scene, options.actor, leased, (held, leftAlone, inner) =>
      asStep(
        inner,
        'backup.prune',
        'Removing what nothing keeps',
        () => carryOut(scene, held, leftAlone, confirmed, inner),
        (result) =>
          result.removed.length + result.removedSegments === 0
            ? 'Looked for what nothing keeps: there is nothing'
            : `Removed ${formatCount(result.removed.length)} backups and ${formatCount(result.removedSegments)} segments of WAL (${formatBytes(result.freedBytes)})`,
      ),
    ),
  );
}

/**
 * Removes what retention no longer keeps of one series, for who holds its lease: after a backup was made. Returns the
 * labels. The backup stands: that older ones could not be removed is a warning.
 */
export async function pruneSeries(
  options: {
    readonly repository: Repository;
    readonly storeName?: string | undefined;
    readonly wal: Repository;
    readonly series: Series;
    readonly connection: ConnectionSettings;
    readonly policy: Config['backup'];
  },
  context: RunContext,
): Promise<string[]> {
  const { repository, series, connection, policy, storeName = policy.daily.store } = options;
  try {
    const archive = series.kind === 'dump' ? undefined : await existing(options.wal);
    const wal = archive ? [{ name: storeName, repository: archive }] : [];
    const repositories = [{ name: storeName, repository }];
    const { database } = connection;
    const plan = await planRetention({ repositories, wal, database, policy, series }, context);
    return await removeAll(
      plan.backups.filter(({ keep }) => !keep),
      context,
    );
  } catch (error) {
    if (context.signal.aborted) throw error;
    const message = `Older backups could not be looked through: ${messageOf(error)}`;
    context.report({ kind: 'warning', message, hint: 'Try it: structdb backup prune --dry-run' });
    return [];
  }
}

interface Scene {
  readonly repositories: readonly NamedRepository[];
  readonly wal: readonly NamedRepository[];
  readonly database: string;
  readonly policy: Config['backup'];
}

/** The server says which cluster it is: a store may keep others, which are none of this configuration's business. */
async function openScene(options: PruneOptions, context: RunContext): Promise<Scene> {
  const { connection, policy, openStore } = options;
  const { identity } = await withClient(connection, profiles.probe, context, (client) =>
    readSource(client, context.clock.now()),
  );
  const names = new Set(tierRules(policy).map(({ store }) => store));
  const repositories: NamedRepository[] = [];
  // WAL may have been archived into any of them: what a base backup is needed for must not go by a default.
  const wal: NamedRepository[] = [];
  for (const name of new Set([...names, walStoreName(policy)])) {
    const repository = await existing(openRepository(await openStore(name), identity.systemIdentifier));
    if (repository && names.has(name)) repositories.push({ name, repository });
    if (repository) wal.push({ name, repository });
  }
  return { repositories, wal, database: connection.database, policy };
}

async function existing(repository: Repository): Promise<Repository | undefined> {
  return (await repository.store.head(repository.keys.identity)) ? repository : undefined;
}

async function underPruneLeases<T>(
  stores: readonly NamedRepository[],
  actor: Actor,
  context: RunContext,
  work: (context: RunContext) => Promise<T>,
): Promise<T> {
  const [first, ...rest] = stores;
  if (!first) return work(context);
  return withLease(first.repository, PRUNE_LEASE, actor, context, (leased) =>
    underPruneLeases(rest, actor, leased, work),
  );
}

async function underSeriesLeases<T>(
  scene: Scene,
  actor: Actor,
  context: RunContext,
  work: (held: readonly HeldSeries[], leftAlone: readonly string[], context: RunContext) => Promise<T>,
): Promise<T> {
  const wanted = scene.repositories.flatMap(({ name, repository }) =>
    [{ kind: 'dump', database: scene.database } as const, { kind: 'base' } as const].map((series) => ({
      store: name,
      repository,
      series,
    })),
  );
  const next = async (
    index: number,
    held: readonly HeldSeries[],
    leftAlone: readonly string[],
    current: RunContext,
  ): Promise<T> => {
    const one = wanted[index];
    if (!one) return work(held, leftAlone, current);
    let entered = false;
    try {
      return await withLease(one.repository, leaseOf(one.series), actor, current, (leased) => {
        entered = true;
        return next(index + 1, [...held, one], leftAlone, leased);
      });
    } catch (error) {
      if (entered || !(error instanceof StructdbError) || error.code !== 'LOCKED') throw error;
      const what = one.series.kind === 'dump' ? `dumps of "${scene.database}"` : 'base backups';
      return next(index + 1, held, [...leftAlone, `${what} in ${one.store}: ${messageOf(error)}`], current);
    }
  };
  return next(0, [], [], context);
}

async function carryOut(
  scene: Scene,
  held: readonly HeldSeries[],
  leftAlone: readonly string[],
  confirmed: PrunePlan | undefined,
  context: RunContext,
): Promise<PruneResult> {
  const plan = await planRetention(scene, context);
  const isHeld = ({ entry, store }: PlannedBackup) =>
    held.some((one) => one.store === store && leaseOf(one.series) === leaseOf(entry.parts));
  const isConfirmed = (one: PlannedBackup) =>
    !confirmed ||
    confirmed.backups.some(({ label, store, keep }) => !keep && label === one.label && store === one.store);
  const going = plan.backups.filter((one) => !one.keep && isHeld(one) && isConfirmed(one));
  const removed = await removeAll(going, context);
  const removedLeftovers = await removeLeftovers(held, context);
  let segments = 0;
  let bytes = 0;
  for (const { name, repository } of scene.wal) {
    const ranges = plan.wal.filter(({ keep, store }) => !keep && store === name);
    const gone = await removeWal(repository, ranges, confirmed, context);
    segments += gone.segments;
    bytes += gone.bytes;
  }
  const freed = going.filter(({ label }) => removed.includes(label));
  return {
    ...describe(plan),
    removed,
    removedSegments: segments,
    removedLeftovers,
    freedBytes: freed.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), bytes),
    leftAlone,
  };
}

function describe(plan: PlannedPrune): PrunePlan {
  return {
    backups: plan.backups.map(({ entry, store, label, sizeBytes, keep, reason }) => ({
      store,
      label,
      kind: entry.parts.kind,
      database: entry.parts.database ?? null,
      sizeBytes,
      keep,
      reason,
    })),
    wal: plan.wal.map(({ keys: _keys, ...range }) => range),
  };
}
