import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { codeOf, StructdbError } from '../../core/errors.ts';
import { countStreamed } from '../../core/streamed.ts';

/** Tables of numbers shrink to a fifth, generated ones to a fiftieth; gzip's most is a thousandth. */
const MOST_RATIO = 200;
/** What may come out before the ratio is looked at. */
const FREE_BYTES = 16 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

/** Whether bytes begin as a gzip file does (RFC 1952, 2.3.1). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * The bytes, decompressed where they are gzip, by what they are and not by their name. Nothing is held but the chunk at
 * hand. @throws CATALOG_UNREADABLE for a file that is cut off, damaged, followed by other bytes, or unpacks without end
 */
export async function* inflated(bytes: AsyncGenerator<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  try {
    const first = await bytes.next();
    if (first.done) return;
    let begin = first.value;
    // A pipe may give a single byte.
    while (begin.length < 2) {
      const { done, value } = await bytes.next();
      if (done) break;
      begin = Buffer.concat([begin, value]);
    }
    if (isGzip(begin)) yield* unpacked(begin, bytes, name);
    else {
      yield begin;
      yield* bytes;
    }
  } finally {
    await bytes.return(undefined);
  }
}

async function* unpacked(begin: Uint8Array, bytes: AsyncGenerator<Uint8Array>, name: string) {
  let packedBytes = 0;
  const packed = async function* () {
    packedBytes += begin.length;
    yield begin;
    for await (const chunk of bytes) {
      packedBytes += chunk.length;
      yield chunk;
    }
  };
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  const feeding = pipeline(Readable.from(packed()), gunzip);
  // Its error is gunzip's too, which the loop meets.
  feeding.catch(() => {});
  let size = 0;
  try {
    for await (const piece of gunzip as AsyncIterable<Uint8Array>) {
      size += piece.length;
      // What zlib has taken in so far is less than what was read of the file: a bomb is known all the sooner.
      if (size > FREE_BYTES && size > packedBytes * MOST_RATIO) throw endless(name);
      countStreamed(piece.length);
      yield piece;
    }
    await feeding;
  } catch (cause) {
    throw cause instanceof StructdbError ? cause : damaged(name, cause);
  } finally {
    gunzip.destroy();
  }
  if (gunzip.bytesWritten < packedBytes) throw followed(name);
}

function followed(name: string, cause?: unknown): StructdbError {
  return new StructdbError('CATALOG_UNREADABLE', `${name} goes on behind the end of its gzip data.`, {
    cause,
    hint: 'Something was appended to it: fetch the file again.',
  });
}

function endless(name: string): StructdbError {
  return new StructdbError(
    'CATALOG_UNREADABLE',
    `${name} unpacks to more than ${MOST_RATIO} times its size, which no table does.`,
    { hint: 'It may be made to fill memory. If you trust it, unpack it yourself: gunzip -k <file>' },
  );
}

function damaged(name: string, cause: unknown): unknown {
  const code = codeOf(cause) ?? '';
  if (!code.startsWith('Z_')) return cause;
  // The header that the file begins with was seen: this is where another one should be.
  if ((cause as Error).message === 'incorrect header check') return followed(name, cause);
  const reason = code === 'Z_BUF_ERROR' ? 'ends in the middle of its gzip data' : 'is damaged gzip data';
  return new StructdbError('CATALOG_UNREADABLE', `${name} ${reason}.`, { cause, hint: 'Fetch the file again.' });
}
