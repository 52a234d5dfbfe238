import { mapConcurrently } from '../core/concurrently.ts';
import type { RunContext } from '../core/context.ts';
import { stopIfInterrupted } from '../core/context.ts';
import { listLeftovers, removeBackup, type Series } from '../repository/backups.ts';
import { readPin } from '../repository/pins.ts';
import type { Repository } from '../repository/repository.ts';
import type { PrunePlan } from './prune.ts';
import { AT_ONCE, type PlannedBackup, type PlannedWal } from './prune-plan.ts';
import { removalOrder } from './retention.ts';

/** A series of a repository that nobody else works on while this run does. */
export interface HeldSeries {
  readonly store: string;
  readonly repository: Repository;
  readonly series: Series;
}

/** Removes backups, each with its manifest first. Returns the labels. */
export async function removeAll(going: readonly PlannedBackup[], context: RunContext): Promise<string[]> {
  const removed: string[] = [];
  for (const { entry, label } of removalOrder(going)) {
    stopIfInterrupted(context);
    // Somebody may have pinned it since it was looked at.
    if (await readPin(entry)) continue;
    await removeBackup(entry.repository, label);
    removed.push(label);
  }
  return removed;
}

/** Objects without a manifest: of runs that were killed while they wrote, or while they removed. */
export async function removeLeftovers(held: readonly HeldSeries[], context: RunContext): Promise<string[]> {
  const removed: string[] = [];
  for (const { repository, series } of held) {
    const kinds: readonly Series[] = series.kind === 'dump' ? [series] : [{ kind: 'base' }, { kind: 'incremental' }];
    for (const each of kinds) {
      for (const label of await listLeftovers(repository, each)) {
        stopIfInterrupted(context);
        await removeBackup(repository, label);
        removed.push(label);
      }
    }
  }
  return removed;
}

/** Oldest first: what a killed run leaves is without a gap. */
export async function removeWal(
  { store }: Repository,
  ranges: readonly PlannedWal[],
  confirmed: PrunePlan | undefined,
  context: RunContext,
): Promise<{ segments: number; bytes: number }> {
  let segments = 0;
  let bytes = 0;
  for (const range of ranges) {
    // A range that grew since it was confirmed goes the next time.
    if (
      confirmed &&
      !confirmed.wal.some(
        ({ keep, store: name, first, last }) =>
          !keep && name === range.store && first <= range.first && last >= range.last,
      )
    ) {
      continue;
    }
    for (let from = 0; from < range.keys.length; from += AT_ONCE) {
      stopIfInterrupted(context);
      const keys = range.keys.slice(from, from + AT_ONCE);
      await mapConcurrently(keys, AT_ONCE, (key) => store.delete(key));
    }
    segments += range.segments;
    bytes += range.sizeBytes;
  }
  return { segments, bytes };
}
