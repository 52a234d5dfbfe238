import { StructdbError } from '../core/errors.ts';

/** What archive_command is given: PostgreSQL's own file names (src/include/access/xlog_internal.h). */
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

/** @throws WAL_INVALID for any other name */
export function parseWalFileName(name: string): WalFileName {
  const kind = FORMS.find(([, form]) => form.test(name))?.[0];
  if (kind) return Object.freeze({ name, kind, timeline: name.slice(0, 8) });
  throw new StructdbError('WAL_INVALID', `"${name}" is not the name of a WAL file.`, {
    hint: 'archive_command passes %p: the path of a file in pg_wal.',
  });
}

/**
 * The byte position at which a segment begins, from the last 16 digits of its name: the upper 32 bits of the LSN, then
 * the number of the segment within them.
 */
export function startOfSegment(name: string, segmentSizeBytes: number): bigint {
  const high = BigInt(`0x${name.slice(8, 16)}`);
  const low = BigInt(`0x${name.slice(16, 24)}`);
  return (high << 32n) + low * BigInt(segmentSizeBytes);
}

/** Counts segments from the beginning of WAL. */
export function segmentNumber(name: string, segmentSizeBytes: number): bigint {
  return startOfSegment(name, segmentSizeBytes) / BigInt(segmentSizeBytes);
}
