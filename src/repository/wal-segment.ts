import { StructdbError } from '../core/errors.ts';
import { startOfSegment, type WalFileName } from './wal-names.ts';

/** The flag of a page header that is followed by the cluster's identity: each segment begins with one. */
const XLP_LONG_HEADER = 0x0002;
const LONG_HEADER_BYTES = 40;

/**
 * Makes sure that a segment is whole and of this cluster, by the long header of its first page: system identifier,
 * segment size, timeline and position (PostgreSQL source, XLogLongPageHeaderData; the machine's byte order). The header of
 * a timeline's first segment may still name the timeline it came from.
 * @throws WAL_INVALID, WAL_FOREIGN
 */
export function checkSegment(
  { name, timeline }: WalFileName,
  content: Buffer,
  cluster: { readonly systemIdentifier: string; readonly segmentSizeBytes: number },
): void {
  const { systemIdentifier, segmentSizeBytes } = cluster;
  const isLong = content.length >= LONG_HEADER_BYTES && (content.readUInt16LE(2) & XLP_LONG_HEADER) !== 0;
  if (!isLong) throw invalid(name, `has ${content.length} bytes and no header of a WAL segment`);
  const identifier = content.readBigUInt64LE(24).toString();
  if (identifier !== systemIdentifier) {
    throw foreign(name, `of the cluster ${identifier}; this archive is of ${systemIdentifier}`);
  }
  const size = content.readUInt32LE(32);
  if (size !== segmentSizeBytes) {
    throw foreign(name, `of a cluster with segments of ${size} bytes; this archive has ${segmentSizeBytes}`);
  }
  if (content.length !== segmentSizeBytes) {
    throw invalid(name, `has ${content.length} bytes of ${segmentSizeBytes}: it was cut or is still being written`);
  }
  const position = content.readBigUInt64LE(8);
  if (position !== startOfSegment(name, segmentSizeBytes) || content.readUInt32LE(4) > Number.parseInt(timeline, 16)) {
    throw invalid(name, 'holds another part of the WAL than its name says');
  }
}

function invalid(name: string, what: string): StructdbError {
  return new StructdbError('WAL_INVALID', `The WAL file ${name} ${what}; it was not archived.`);
}

function foreign(name: string, what: string): StructdbError {
  return new StructdbError('WAL_FOREIGN', `The WAL segment ${name} is ${what}; it was not archived.`, {
    hint: 'Give each cluster its own archive: structdb dev start writes the one of the private server.',
  });
}
