import type { ArchivedFile, WalListing } from './wal-archive.ts';
import { segmentName, segmentNumber, timelineNumber } from './wal-names.ts';

/** Segments that are missing between two that are there, on one timeline. */
export interface WalHole {
  readonly timeline: number;
  /** Names of the first and the last missing segment. */
  readonly first: string;
  readonly last: string;
  readonly segments: number;
  /** When the one behind it was stored: since then it is a hole and not the end. */
  readonly since: Date;
}

/** What the archive has of one timeline. */
export interface ArchivedTimeline {
  readonly timeline: number;
  readonly segments: number;
  /** As stored. */
  readonly sizeBytes: number;
  readonly oldest: string;
  readonly newest: string;
  /** When the newest was stored. */
  readonly newestAt: Date;
  readonly holes: readonly WalHole[];
}

/** The timelines of an archive with their holes, by names alone. */
export function archivedTimelines(listing: Pick<WalListing, 'segments'>, segmentSizeBytes: number): ArchivedTimeline[] {
  const timelines = new Map<number, ArchivedFile[]>();
  for (const file of listing.segments.values()) {
    const timeline = timelineNumber(file.name);
    const files = timelines.get(timeline) ?? [];
    files.push(file);
    timelines.set(timeline, files);
  }
  return [...timelines].map(([timeline, files]) => {
    const newest = files.at(-1)!;
    return Object.freeze({
      timeline,
      segments: files.length,
      sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      oldest: files[0]!.name,
      newest: newest.name,
      newestAt: newest.modifiedAt,
      holes: holesBetween(timeline, files, segmentSizeBytes),
    });
  });
}

function holesBetween(timeline: number, files: readonly ArchivedFile[], segmentSizeBytes: number): WalHole[] {
  const holes: WalHole[] = [];
  for (const [index, file] of files.entries()) {
    const former = files[index - 1];
    if (!former) continue;
    const from = segmentNumber(former.name, segmentSizeBytes) + 1n;
    const to = segmentNumber(file.name, segmentSizeBytes);
    if (from === to) continue;
    const name = (number: bigint) => segmentName(timeline, number, segmentSizeBytes);
    holes.push({
      timeline,
      first: name(from),
      last: name(to - 1n),
      segments: Number(to - from),
      since: file.modifiedAt,
    });
  }
  return holes;
}
