import type { Lsn } from '../core/lsn.ts';
import { type Ancestor, type PathStep, pathTo, timelineAt } from './timeline.ts';
import type { ArchivedFile, ArchivedPartial, WalListing } from './wal-archive.ts';
import { segmentName, segmentNumberAt, startOfSegment } from './wal-names.ts';

/** Where a base backup begins and becomes consistent. */
export interface BasePoint {
  readonly label: string;
  readonly timeline: number;
  /** Replay begins here. */
  readonly startLsn: Lsn;
  /** From here on the copy is consistent; no target before it can be reached. */
  readonly stopLsn: Lsn;
}

/** How far replay gets from a base backup with what the archive holds. */
export interface Reach {
  readonly base: BasePoint;
  /** The timeline that replay ends on. */
  readonly timeline: number;
  readonly path: readonly PathStep[];
  /** Names of the whole segments that replay reads, in order. Those before `stopLsn` are in the backup too. */
  readonly segments: readonly string[];
  /** What `wal receive` had of the segment behind the last whole one. */
  readonly partial: ArchivedPartial | undefined;
  /** Replay cannot get beyond this byte (exclusive). Never below `stopLsn`: a backup carries the WAL it needs. */
  readonly endLsn: Lsn;
  /** A hole: the first segment that is missing although later ones of the path are there. */
  readonly missing: string | undefined;
}

/** The newest timeline that descends from the base backup: its history leaves the backup's timeline behind `stopLsn`. */
export function latestTimeline(base: BasePoint, histories: ReadonlyMap<number, readonly Ancestor[]>): number {
  let latest = base.timeline;
  for (const [timeline, ancestors] of histories) {
    const own = ancestors.find((ancestor) => ancestor.timeline === base.timeline);
    if (timeline > latest && own && own.switchLsn >= base.stopLsn) latest = timeline;
  }
  return latest;
}

/**
 * Follows the WAL from a base backup on, segment by segment, as replay does: each segment comes from the newest timeline
 * of the path that has begun in it (PostgreSQL source, XLogFileReadAnyTLI). `timeline` undefined: the latest.
 */
export function reachOf(
  base: BasePoint,
  listing: WalListing,
  histories: ReadonlyMap<number, readonly Ancestor[]>,
  segmentSizeBytes: number,
  timeline: number = latestTimeline(base, histories),
): Reach {
  const path = pathTo(timeline, histories.get(timeline) ?? []);
  const archived = (number: bigint) => segmentOf(path, number, segmentSizeBytes, listing.segments);
  const size = BigInt(segmentSizeBytes);
  // The segments up to the backup's end are in the backup, whatever the archive lacks of them.
  const ownEnd = (base.stopLsn + size - 1n) / size;
  const segments: string[] = [];
  let next = segmentNumberAt(base.startLsn, segmentSizeBytes);
  for (let name = archived(next); next < ownEnd || name !== undefined; next += 1n, name = archived(next)) {
    if (name !== undefined) segments.push(name);
  }
  const isWhole = archived(next - 1n) !== undefined;
  const open = isWhole ? next : next - 1n;
  const beyond = lastNumber(path, listing.segments, segmentSizeBytes);
  const hole = beyond !== undefined && beyond > open;
  const openName = segmentName(timelineAt(path, open * size), open, segmentSizeBytes);
  const partial = hole ? undefined : listing.partials.findLast(({ name }) => name === openName);
  const ends = [base.stopLsn, ...(isWhole ? [next * size] : []), ...(partial ? [partial.lsn] : [])];
  return Object.freeze({
    base,
    timeline,
    path,
    segments: Object.freeze(segments),
    partial,
    endLsn: ends.sort((a, b) => (a < b ? -1 : 1)).at(-1)!,
    missing: hole ? openName : undefined,
  });
}

/** The file that replay reads for a segment number; undefined when no timeline of the path has it. */
function segmentOf(
  path: readonly PathStep[],
  number: bigint,
  segmentSizeBytes: number,
  segments: ReadonlyMap<string, ArchivedFile>,
): string | undefined {
  for (const { timeline, beginLsn, endLsn } of [...path].reverse()) {
    if (number < segmentNumberAt(beginLsn, segmentSizeBytes)) continue;
    if (endLsn !== undefined && number > segmentNumberAt(endLsn, segmentSizeBytes)) continue;
    const name = segmentName(timeline, number, segmentSizeBytes);
    if (segments.has(name)) return name;
  }
  return undefined;
}

/** The greatest segment number that any timeline of the path has. */
function lastNumber(
  path: readonly PathStep[],
  segments: ReadonlyMap<string, ArchivedFile>,
  segmentSizeBytes: number,
): bigint | undefined {
  let last: bigint | undefined;
  for (const name of segments.keys()) {
    const number = startOfSegment(name, segmentSizeBytes) / BigInt(segmentSizeBytes);
    const step = path.find(({ timeline }) => timeline === Number.parseInt(name.slice(0, 8), 16));
    if (!step || (last !== undefined && number <= last)) continue;
    if (step.endLsn === undefined || number <= segmentNumberAt(step.endLsn, segmentSizeBytes)) last = number;
  }
  return last;
}
