import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { codeOf, messageOf, StructdbError } from '../../core/errors.ts';
import { parseHistory } from '../../repository/timeline.ts';
import type { WalListing } from '../../repository/wal-archive.ts';
import { tryWalFileName, type WalFileName } from '../../repository/wal-names.ts';
import { faultOfSegment } from '../../repository/wal-segment.ts';

/** A WAL file of the dead server that the archive lacks. */
export interface SalvagedFile {
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  /** Contents of a history file. */
  readonly history: string | undefined;
}

/** As much of a segment as its header needs. */
const HEADER_BYTES = 8192;

/**
 * What pg_wal of a dead server has beyond the archive: segments whose header says that they are of this cluster and hold
 * what their name says (recycled files, kept for later use, do not), and histories of timelines. Reads only.
 * @throws FILE_MISSING, FILE_UNREADABLE, WAL_FOREIGN when it is the pg_wal of another cluster
 */
export async function findSalvage(
  directory: string,
  listing: WalListing,
  cluster: { readonly systemIdentifier: string; readonly segmentSizeBytes: number },
): Promise<SalvagedFile[]> {
  const names = await readdir(directory).catch((cause: unknown) => {
    const missing = codeOf(cause) === 'ENOENT';
    throw new StructdbError(
      missing ? 'FILE_MISSING' : 'FILE_UNREADABLE',
      missing ? `There is no folder ${directory}.` : `Cannot read ${directory}: ${messageOf(cause)}.`,
      { cause, hint: 'Name the folder pg_wal of the dead server, or a copy of it.' },
    );
  });
  const found: SalvagedFile[] = [];
  for (const name of names.sort()) {
    const wal = tryWalFileName(name);
    const file = path.join(directory, name);
    if (wal?.kind === 'history' && !listing.histories.has(name)) {
      const history = await readFile(file, 'utf8');
      if (parseHistory(history)) found.push({ name, path: file, sizeBytes: Buffer.byteLength(history), history });
    }
    if (wal?.kind !== 'segment' || listing.segments.has(name)) continue;
    const sizeBytes = await usableSize(wal, file, cluster);
    if (sizeBytes !== undefined) found.push({ name, path: file, sizeBytes, history: undefined });
  }
  return found;
}

/** undefined for a file that was recycled, or is being prepared. */
async function usableSize(
  wal: WalFileName,
  file: string,
  cluster: { readonly systemIdentifier: string; readonly segmentSizeBytes: number },
): Promise<number | undefined> {
  const { size } = await stat(file);
  if (size !== cluster.segmentSizeBytes) return undefined;
  const header = await firstBytes(file, HEADER_BYTES);
  // Zeros: a file that was made beforehand.
  if (header.every((byte) => byte === 0)) return undefined;
  const fault = faultOfSegment(wal, header, size, cluster);
  if (!fault) return size;
  if (fault.code === 'WAL_INVALID') return undefined;
  throw new StructdbError('WAL_FOREIGN', `The WAL segment ${wal.name} ${fault.what}.`, {
    hint: `${path.dirname(file)} is not the pg_wal of the server that this backup is of.`,
  });
}

async function firstBytes(file: string, count: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(file, { end: count - 1 })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The archive as it would be with what was salvaged. */
export function withSalvage(listing: WalListing, salvaged: readonly SalvagedFile[]): WalListing {
  if (salvaged.length === 0) return listing;
  const at = new Date(0);
  const segments = new Map(listing.segments);
  const histories = new Map(listing.histories);
  for (const { name, path: key, sizeBytes, history } of salvaged) {
    (history === undefined ? segments : histories).set(name, { name, key, sizeBytes, modifiedAt: at });
  }
  const byName = [...segments].sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...listing, segments: new Map(byName), histories };
}
