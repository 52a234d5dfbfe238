import { StructdbError } from '../core/errors.ts';
import type { Lsn } from '../core/lsn.ts';

/** What archive_command and restore_command are given: PostgreSQL's own file names (src/include/access/xlog_internal.h). */
export interface WalFileName {
  readonly name: string;
  readonly kind: 'segment' | 'partial' | 'history' | 'backup';
  /** Eight hex digits. */
  readonly timeline: string;
}

const FORMS: readonly (readonly [WalFileName['kind'], RegExp])[] = [
  ['segment', /^[0-9A-F]{24}$/],
  ['partial', /^[0-9A-F]{24}\.partial$/],
  ['history', /^[0-9A-F]{8}\.history$/],
  ['backup', /^[0-9A-F]{24}\.[0-9A-F]{8}\.backup$/],
];

/** undefined for any other name. */
export function tryWalFileName(name: string): WalFileName | undefined {
  const kind = FORMS.find(([, form]) => form.test(name))?.[0];
  return kind && Object.freeze({ name, kind, timeline: name.slice(0, 8) });
}

/** @throws WAL_INVALID for any other name, with what `hint` says of where names come from */
export function parseWalFileName(name: string, hint?: string): WalFileName {
  const parsed = tryWalFileName(name);
  if (parsed) return parsed;
  const message = `"${name}" is not the name of a WAL file.`;
  throw new StructdbError('WAL_INVALID', message, hint === undefined ? {} : { hint });
}

/**
 * The byte position at which a segment begins, from the last 16 digits of its name: the upper 32 bits of the LSN, then
 * the number of the segment within them.
 */
export function startOfSegment(name: string, segmentSizeBytes: number): Lsn {
  const high = BigInt(`0x${name.slice(8, 16)}`);
  const low = BigInt(`0x${name.slice(16, 24)}`);
  return (high << 32n) + low * BigInt(segmentSizeBytes);
}

/** Counts segments from the beginning of WAL. */
export function segmentNumber(name: string, segmentSizeBytes: number): bigint {
  return startOfSegment(name, segmentSizeBytes) / BigInt(segmentSizeBytes);
}

/** The number of the segment that holds the byte at `lsn`. */
export function segmentNumberAt(lsn: Lsn, segmentSizeBytes: number): bigint {
  return lsn / BigInt(segmentSizeBytes);
}

/** The file name of a segment: timeline, then the two halves of its number. */
export function segmentName(timeline: number, number: bigint, segmentSizeBytes: number): string {
  const perHigh = 0x1_0000_0000n / BigInt(segmentSizeBytes);
  const hex = (value: bigint | number) => value.toString(16).toUpperCase().padStart(8, '0');
  return hex(timeline) + hex(number / perHigh) + hex(number % perHigh);
}

/** Eight hex digits: the form of a timeline in file names and keys. */
export function timelineName(timeline: number): string {
  return timeline.toString(16).toUpperCase().padStart(8, '0');
}

export function timelineNumber(name: string): number {
  return Number.parseInt(name.slice(0, 8), 16);
}
