import { StructdbError } from '../core/errors.ts';
import { startOfSegment, type WalFileName } from './wal-names.ts';

/** The flag of a page header that is followed by the cluster's identity: each segment begins with one. */
const XLP_LONG_HEADER = 0x0002;
/** So much of a segment tells whose it is. */
export const LONG_HEADER_BYTES = 40;

/** What a segment must be of. */
export interface SegmentOwner {
  readonly systemIdentifier: string;
  readonly segmentSizeBytes: number;
}

export interface SegmentFault {
  readonly code: 'WAL_INVALID' | 'WAL_FOREIGN';
  /** Continues "The WAL segment <name> ". */
  readonly what: string;
}

/**
 * What is wrong with a segment, by the long header of its first page: system identifier, segment size, timeline and
 * position (PostgreSQL source, XLogLongPageHeaderData; the machine's byte order). The header of a timeline's first
 * segment may still name the timeline it came from. undefined: it is whole and of this cluster.
 */
export function faultOfSegment(
  { name, timeline }: Pick<WalFileName, 'name' | 'timeline'>,
  header: Buffer,
  sizeBytes: number,
  { systemIdentifier, segmentSizeBytes }: SegmentOwner,
): SegmentFault | undefined {
  const isLong = header.length >= LONG_HEADER_BYTES && (header.readUInt16LE(2) & XLP_LONG_HEADER) !== 0;
  if (!isLong) return invalid(`has ${sizeBytes} bytes and no header of a WAL segment`);
  const identifier = header.readBigUInt64LE(24).toString();
  if (identifier !== systemIdentifier) {
    return foreign(`is of the cluster ${identifier}; this archive is of ${systemIdentifier}`);
  }
  const size = header.readUInt32LE(32);
  if (size !== segmentSizeBytes) {
    return foreign(`is of a cluster with segments of ${size} bytes; this archive has ${segmentSizeBytes}`);
  }
  if (sizeBytes !== segmentSizeBytes) {
    return invalid(`has ${sizeBytes} bytes of ${segmentSizeBytes}: it was cut or is still being written`);
  }
  const position = header.readBigUInt64LE(8);
  if (position !== startOfSegment(name, segmentSizeBytes) || header.readUInt32LE(4) > Number.parseInt(timeline, 16)) {
    return invalid('holds another part of the WAL than its name says');
  }
  return undefined;
}

/** Makes sure that a segment is whole and of this cluster, before it is archived. @throws WAL_INVALID, WAL_FOREIGN */
export function checkSegment(wal: WalFileName, content: Buffer, owner: SegmentOwner): void {
  requireOwn(wal, content, content.length, owner);
}

/** The same by the first bytes alone. @throws WAL_INVALID, WAL_FOREIGN */
export function requireOwn(wal: WalFileName, header: Buffer, sizeBytes: number, owner: SegmentOwner): void {
  const fault = faultOfSegment(wal, header, sizeBytes, owner);
  if (!fault) return;
  throw new StructdbError(fault.code, `The WAL segment ${wal.name} ${fault.what}; it was not archived.`, {
    ...(fault.code === 'WAL_FOREIGN'
      ? { hint: 'Give each cluster its own archive: structdb dev start writes the one of the private server.' }
      : {}),
  });
}

function invalid(what: string): SegmentFault {
  return { code: 'WAL_INVALID', what };
}

function foreign(what: string): SegmentFault {
  return { code: 'WAL_FOREIGN', what };
}
