import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { release } from '../../core/streamed.ts';
import { inflated } from './gzip.ts';
import { bytesOf, type CatalogSource, CHUNK_BYTES, nameOfSource } from './source.ts';

/**
 * What is read whole. AISC's table is 2 MB; formats that must know all their names before the first row is filed are read
 * only up to here, the others beyond it piece by piece, in memory that does not grow with the file.
 */
export const WHOLE_BYTES = 16 * 1024 * 1024;

/** A file whose first bytes were read. Close it, however it ends. */
export interface CatalogFile {
  readonly name: string;
  /** All of it, unpacked, where that is at most WHOLE_BYTES. */
  readonly whole: Uint8Array | undefined;
  /** All of it, unpacked, chunk by chunk; to be taken once. */
  readonly chunks: () => AsyncGenerator<Uint8Array, void>;
  /** SHA-256 of the bytes as they were found, packed or not, 64 hex digits; known when all of them were read. */
  readonly sha256: () => string;
  readonly close: () => Promise<void>;
}

/** Reads a file as far as WHOLE_BYTES. @throws FILE_MISSING, FILE_UNREADABLE */
export async function openCatalogFile(source: CatalogSource, signal: AbortSignal): Promise<CatalogFile> {
  const hash = createHash('sha256');
  let digest: string | undefined;
  const name = nameOfSource(source);
  const bytes = inflated(hashed(bytesOf(source, signal), hash), name);
  const read: Uint8Array[] = [];
  let size = 0;
  let ended = false;
  // Of a file that is larger as it lies there, nothing need be kept to know it.
  const most = typeof source === 'string' && (await sizeOf(source)) > WHOLE_BYTES ? 0 : WHOLE_BYTES;
  while (!ended && size <= most) {
    const { done, value } = await bytes.next();
    ended = done === true;
    if (value === undefined) continue;
    read.push(value);
    size += value.length;
  }
  const whole = ended ? (read.length === 1 ? read[0]! : Buffer.concat(read.splice(0))) : undefined;
  return {
    name,
    whole,
    chunks: whole === undefined ? () => inTurn(read, bytes, typeof source === 'string') : () => piecesOf(whole),
    sha256: () => {
      digest ??= hash.digest('hex');
      return digest;
    },
    close: async () => void (await bytes.return(undefined)),
  };
}

/** What is missing is told by whoever opens it. */
function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Each is let go of as soon as it is taken. */
async function* inTurn(read: Uint8Array[], further: AsyncIterable<Uint8Array>, areOurs: boolean) {
  while (read.length > 0) yield read.shift()!;
  for await (const chunk of further) {
    yield chunk;
    // Decoded by now, and ours alone: memory outside of the heap would wait long to be collected.
    if (areOurs) release(chunk);
  }
}

/** As large as those of a file. */
async function* piecesOf(whole: Uint8Array) {
  for (let at = 0; at < whole.length; at += CHUNK_BYTES) yield whole.subarray(at, at + CHUNK_BYTES);
}

async function* hashed(
  bytes: AsyncIterable<Uint8Array>,
  hash: { update(chunk: Uint8Array): unknown },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
}
