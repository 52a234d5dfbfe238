import type { ConnectionSettings } from '../../config/connection.ts';
import type { Config } from '../../config/schema.ts';
import { usedStores, walStoreName } from '../../config/store-names.ts';
import type { RunContext } from '../../core/context.ts';
import type { SearchPlaces } from '../../programs/find.ts';
import type { RecoveryWindow } from '../../repository/recovery-window.ts';
import type { WalEndMemory } from '../../repository/wal-end-memory.ts';
import type { Store } from '../../storage/store.ts';
import { type WalStatusResult, walStatus } from '../../wal/index.ts';
import type { WindowFacts } from './facts.ts';

export interface ArchiveSources {
  readonly connection: ConnectionSettings;
  readonly places: SearchPlaces;
  readonly policy: Config['backup'];
  readonly openStore: (name: string) => Promise<Store>;
  readonly systemIdentifier: string | undefined;
  readonly memory: WalEndMemory;
}

/** How archiving goes and what the archive has; null where no WAL is kept and the configuration asks for none. */
export async function readArchive(sources: ArchiveSources, context: RunContext): Promise<WalStatusResult | null> {
  const { policy, openStore, connection, places, memory } = sources;
  const tierStores = usedStores(policy).filter(({ usedBy }) => usedBy.some((use) => use !== 'wal'));
  const found = await walStatus(
    {
      walStore: await openStore(walStoreName(policy)),
      stores: await Promise.all(tierStores.map(({ name }) => openStore(name))),
      connection,
      slot: policy.wal.slot,
      recoveryWindowMs: policy.wal.recoveryWindow,
      trimLimitBytes: null,
      places,
      memory,
    },
    context,
  );
  const own = found.server?.systemIdentifier ?? sources.systemIdentifier;
  const clusters = found.clusters.filter(({ systemIdentifier }) => own === undefined || systemIdentifier === own);
  const result = { ...found, clusters };
  return asksForWal(policy) || keepsWal(result) ? result : null;
}

function asksForWal({ daily, weekly, monthly, wal }: Config['backup']): boolean {
  return wal.store !== undefined || [daily, weekly, monthly].some((tier) => tier !== undefined && tier.kind !== 'dump');
}

function keepsWal({ clusters, server }: WalStatusResult): boolean {
  const sends = server !== null && (server.archiveMode !== 'off' || server.slot !== null);
  return sends || clusters.some(({ timelines, partials }) => timelines.length > 0 || partials > 0);
}

/**
 * The window that reaches furthest towards now, with the holes inside of what is promised. `before`: the window of the
 * look before this one, so that a start that is lost is noticed.
 */
export function windowOf(
  found: WalStatusResult | null,
  objectiveMs: number,
  before: WindowFacts | null,
  now: Date,
): WindowFacts | null {
  const windows = (found?.clusters ?? []).flatMap((cluster) => cluster.windows);
  const newest = windows.toSorted((a, b) => (a.to === b.to ? compare(b.from, a.from) : compare(a.to, b.to))).at(-1);
  if (!newest) return null;
  const promisedFrom = new Date(now.getTime() - objectiveMs);
  const from = new Date(newest.from);
  return {
    from,
    to: new Date(newest.to),
    objectiveMs,
    holes: windows.flatMap((window) => holeOf(window, promisedFrom)),
    lostFrom: lostStart(from, before, promisedFrom),
  };
}

function holeOf({ missing, to }: RecoveryWindow, promisedFrom: Date): WindowFacts['holes'] {
  const lastBefore = new Date(to);
  return missing !== null && lastBefore >= promisedFrom ? [{ segment: missing, lastBefore }] : [];
}

/**
 * Retention takes a start away only when a later one still covers all that is promised: a window that begins later than
 * before, inside of what is promised, has lost something.
 */
function lostStart(from: Date, before: WindowFacts | null, promisedFrom: Date): Date | null {
  if (before === null) return null;
  const earliest = before.lostFrom ?? before.from;
  return from > earliest && from > promisedFrom ? earliest : null;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
