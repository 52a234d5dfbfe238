import type { Lsn } from '../core/lsn.ts';
import type { BasePoint } from '../repository/reach.ts';
import { type Ancestor, type PathStep, pathTo } from '../repository/timeline.ts';
import type { ArchivedFile, WalListing } from '../repository/wal-archive.ts';
import { segmentNumber, segmentNumberAt, timelineNumber } from '../repository/wal-names.ts';

/** A base or incremental backup, as far as WAL is concerned. */
export interface WalBase extends BasePoint {
  /** When the copy was complete: no earlier instant can be reached from it. */
  readonly consistentAt: Date;
  readonly verified: boolean;
}

/** The archive, and how far back every instant must be reachable. */
export interface WalState {
  readonly listing: WalListing;
  readonly histories: ReadonlyMap<number, readonly Ancestor[]>;
  readonly segmentSizeBytes: number;
  readonly windowStart: Date;
}

/** A run of neighbouring segments of a timeline with the same fate, and the small files that belong to them. */
export interface WalRange {
  readonly timeline: number;
  readonly first: string;
  readonly last: string;
  readonly segments: number;
  readonly sizeBytes: number;
  readonly keep: boolean;
  readonly reason: string;
  readonly keys: readonly string[];
}

/** What one timeline asks to be kept: its path, from a segment on. */
interface Need {
  readonly path: readonly PathStep[];
  readonly from: bigint;
  readonly reason: string;
}

/**
 * The backups that the recovery window is reached from: on every timeline with instants inside it, the newest verified
 * one that was complete before it begins, and all later ones. Where none is old enough: all.
 */
export function windowNeeds(bases: readonly WalBase[], wal: WalState): Set<string> {
  const needed = new Set<string>();
  if (wal.listing.segments.size === 0 && wal.listing.partials.length === 0) return needed;
  for (const timeline of timelinesOf(bases, wal)) {
    if (!isInWindow(timeline, bases, wal)) continue;
    const reaching = reachingBases(timeline, bases, wal);
    const anchor = anchorOf(reaching, wal);
    // Without its history nobody knows which older backups lead to it: then all may.
    const candidates = !anchor && isRootless(timeline, wal) ? bases : reaching;
    for (const base of candidates) {
      if (!anchor || base.consistentAt >= anchor.consistentAt) needed.add(base.label);
    }
  }
  return needed;
}

/**
 * Decides about archived WAL, by ranges in order of timeline and number. Kept is, for every timeline, all from the
 * start of the newest verified backup that is older than the window. Older archives need none: a base backup carries
 * the WAL that makes it consistent. While no backup is old enough, all of a timeline is kept. Histories are no part of
 * this: they stay. `holdBack`: a reason to keep all there is.
 */
export function decideWal(bases: readonly WalBase[], wal: WalState, holdBack: string | undefined): WalRange[] {
  const everything = holdBack ?? reasonToKeepAll(bases, wal);
  const needs = everything === undefined ? needsOf(bases, wal) : [];
  // The last one stays whatever needs it: an archive that is used is told by it from one that never was.
  const newest = [...wal.listing.segments.keys(), ...wal.listing.partials.map(({ name }) => name)].sort().at(-1);
  const fate = (name: string): { readonly keep: boolean; readonly reason: string } => {
    if (everything !== undefined) return { keep: true, reason: everything };
    const need = needs.find((each) => holds(each, name, wal.segmentSizeBytes));
    if (!need && name === newest) return { keep: true, reason: 'the newest segment' };
    return need ? { keep: true, reason: need.reason } : { keep: false, reason: 'no backup replays it any more' };
  };
  return rangesOf(wal, fate);
}

function reasonToKeepAll(bases: readonly WalBase[], wal: WalState): string | undefined {
  if (bases.length === 0) return 'there is no base backup yet';
  const isOpen = (timeline: number) =>
    isRootless(timeline, wal) &&
    isInWindow(timeline, bases, wal) &&
    anchorOf(reachingBases(timeline, bases, wal), wal) === undefined;
  const open = timelinesOf(bases, wal).find(isOpen);
  // It may need the WAL of any other.
  return open === undefined ? undefined : `where timeline ${open} came from is not known`;
}

function needsOf(bases: readonly WalBase[], wal: WalState): Need[] {
  const needs: Need[] = [];
  for (const timeline of timelinesOf(bases, wal)) {
    if (isContinued(timeline, bases, wal)) continue;
    const reaching = reachingBases(timeline, bases, wal);
    const path = pathTo(timeline, wal.histories.get(timeline) ?? []);
    const anchor = anchorOf(reaching, wal);
    const from = (lsn: Lsn) => segmentNumberAt(lsn, wal.segmentSizeBytes);
    if (anchor) needs.push({ path, from: from(anchor.startLsn), reason: `replayed onto ${anchor.label}` });
    else if (isInWindow(timeline, bases, wal) || isRootless(timeline, wal)) {
      needs.push({ path, from: 0n, reason: 'no base backup is older than the recovery window yet' });
    } else if (reaching.length > 0) {
      const oldest = reaching.reduce((a, b) => (a.startLsn < b.startLsn ? a : b));
      needs.push({ path, from: from(oldest.startLsn), reason: `replayed onto ${oldest.label}` });
    }
  }
  return needs;
}

/** The newest verified backup that was complete before the window begins. */
function anchorOf(reaching: readonly WalBase[], { windowStart }: WalState): WalBase | undefined {
  const old = reaching.filter((base) => base.verified && base.consistentAt <= windowStart);
  return old.sort((a, b) => a.consistentAt.getTime() - b.consistentAt.getTime()).at(-1);
}

/** Backups from which replay gets onto a timeline: it is theirs, or left theirs after they were complete. */
function reachingBases(timeline: number, bases: readonly WalBase[], { histories }: WalState): WalBase[] {
  return bases.filter((base) => {
    if (base.timeline === timeline) return true;
    const left = histories.get(timeline)?.find((ancestor) => ancestor.timeline === base.timeline);
    return left !== undefined && left.switchLsn >= base.stopLsn;
  });
}

/** Whether some instant of the window lies on it: it is the newest, or something was archived on it since. */
function isInWindow(timeline: number, bases: readonly WalBase[], wal: WalState): boolean {
  if (timeline === Math.max(...timelinesOf(bases, wal))) return true;
  return filesOn(timeline, wal).some(({ modifiedAt }) => modifiedAt >= wal.windowStart);
}

/** A timeline whose history is not in the archive, or cannot be read without the key: where it came from is unknown. */
function isRootless(timeline: number, { histories }: WalState): boolean {
  return timeline > 1 && !histories.has(timeline);
}

/**
 * Whether another timeline goes on where this one ends: then its path holds all of this one. Otherwise this one has a
 * tail of its own, which was abandoned or is still written.
 */
function isContinued(timeline: number, bases: readonly WalBase[], wal: WalState): boolean {
  const size = wal.segmentSizeBytes;
  const own = bases.filter((base) => base.timeline === timeline);
  const numbers = filesOn(timeline, wal).map(({ name }) => segmentNumber(name, size));
  return [...wal.histories.values()].some((ancestors) => {
    const left = ancestors.find((ancestor) => ancestor.timeline === timeline)?.switchLsn;
    if (left === undefined || own.some(({ stopLsn }) => stopLsn > left)) return false;
    return numbers.every((number) => number <= segmentNumberAt(left, size));
  });
}

function filesOn(timeline: number, { listing }: WalState): ArchivedFile[] {
  return [...listing.segments.values(), ...listing.partials].filter(({ name }) => timelineNumber(name) === timeline);
}

function timelinesOf(bases: readonly WalBase[], { listing, histories }: WalState): number[] {
  const names = [...listing.segments.keys(), ...listing.partials.map(({ name }) => name)];
  return [
    ...new Set([...names.map(timelineNumber), ...histories.keys(), ...bases.map(({ timeline }) => timeline)]),
  ].sort((a, b) => a - b);
}

function holds({ path, from }: Need, name: string, segmentSizeBytes: number): boolean {
  const number = segmentNumber(name, segmentSizeBytes);
  const step = path.find(({ timeline }) => timeline === timelineNumber(name));
  if (!step || number < from || number < segmentNumberAt(step.beginLsn, segmentSizeBytes)) return false;
  return step.endLsn === undefined || number <= segmentNumberAt(step.endLsn, segmentSizeBytes);
}

/** Partial and `.backup` files go the way of the segment whose name they bear. */
function rangesOf(wal: WalState, fate: (name: string) => { keep: boolean; reason: string }): WalRange[] {
  const { listing } = wal;
  const files = [...listing.segments.values(), ...listing.partials, ...listing.others];
  const bySegment = new Map<string, ArchivedFile[]>();
  for (const file of files) {
    const segment = file.name.slice(0, 24);
    bySegment.set(segment, [...(bySegment.get(segment) ?? []), file]);
  }
  const ranges: (WalRange & { keys: string[] })[] = [];
  for (const segment of [...bySegment.keys()].sort()) {
    const own = bySegment.get(segment)!;
    const { keep, reason } = fate(segment);
    const timeline = timelineNumber(segment);
    const last = ranges.at(-1);
    const sizeBytes = own.reduce((sum, file) => sum + file.sizeBytes, 0);
    const whole = listing.segments.has(segment) ? 1 : 0;
    const keys = own.map(({ key }) => key);
    if (last && last.timeline === timeline && last.keep === keep && last.reason === reason) {
      const joined = { ...last, last: segment, segments: last.segments + whole, sizeBytes: last.sizeBytes + sizeBytes };
      last.keys.push(...keys);
      ranges[ranges.length - 1] = joined;
    } else ranges.push({ timeline, first: segment, last: segment, segments: whole, sizeBytes, keep, reason, keys });
  }
  return ranges;
}
