import { constants, openSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { codeOf, StructdbError } from '../../core/errors.ts';

/** Where a catalog comes from: the path of a file, or bytes that somebody else has, under the name that messages use. */
export type CatalogSource =
  | string
  | { readonly name: string; readonly bytes: Uint8Array }
  | { readonly name: string; readonly stream: AsyncIterable<Uint8Array> };

export function nameOfSource(source: CatalogSource): string {
  return typeof source === 'string' ? source : source.name;
}

/** Larger texts are large objects to V8, which only a full collection frees. */
export const CHUNK_BYTES = 64 * 1024;
/** What is read at once, and given back to the system when its last chunk was taken. */
const BUFFER_BYTES = 2 * CHUNK_BYTES;
/** A file of this size is read in one go. */
const ONE_GO_BYTES = 4 * 1024 * 1024;

/** The bytes of a source as they stand, chunk by chunk. @throws FILE_MISSING, FILE_UNREADABLE */
export function bytesOf(source: CatalogSource, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  if (typeof source === 'string') return pathBytes(source, signal);
  return 'bytes' in source ? once(source.bytes) : streamBytes(source.name, source.stream, signal);
}

async function* pathBytes(file: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const isPipe = await stat(file).then(
    (stats) => stats.isFIFO(),
    () => false,
  );
  yield* isPipe ? pipeBytes(file, signal) : fileBytes(file, signal);
}

/**
 * A pipe (`<(curl …)`) is polled: a thread that waits in it, for who writes or for who opens it to write, cannot be
 * interrupted, and the process cannot end before that thread does.
 */
async function* pipeBytes(file: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const socket = new Socket({ fd: openPipe(file), writable: false });
  try {
    yield* streamBytes(file, socket, signal);
  } finally {
    socket.destroy();
  }
}

function openPipe(file: string): number {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

async function* fileBytes(file: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const handle = await open(file).catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) {
      throw new StructdbError('FILE_UNREADABLE', `${file} is a directory.`, { hint: 'Name a file in it.' });
    }
    while (true) {
      signal.throwIfAborted();
      const size = stats.size < ONE_GO_BYTES ? Math.max(stats.size + 1, BUFFER_BYTES) : BUFFER_BYTES;
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(size));
      if (bytesRead === 0) return;
      if (size > BUFFER_BYTES) yield buffer.subarray(0, bytesRead);
      else
        for (let at = 0; at < bytesRead; at += CHUNK_BYTES)
          yield buffer.subarray(at, Math.min(at + CHUNK_BYTES, bytesRead));
    }
  } catch (cause) {
    throw cause instanceof StructdbError || signal.aborted ? cause : unreadable(file, cause);
  } finally {
    await handle.close();
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

/** Whoever waits for a stream that gives nothing can still be interrupted. */
async function* streamBytes(
  name: string,
  stream: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const iterator = stream[Symbol.asyncIterator]();
  try {
    while (true) {
      const { done, value } = await orAborted(iterator.next(), signal);
      if (done) return;
      yield value;
    }
  } catch (cause) {
    throw cause instanceof StructdbError || signal.aborted ? cause : unreadable(name, cause);
  } finally {
    // Not waited for: it comes only after the chunk that is being waited for, which may never come.
    iterator.return?.().catch(() => {});
  }
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function unreadable(file: string, cause: unknown): StructdbError {
  if (codeOf(cause) === 'ENOENT') {
    return new StructdbError('FILE_MISSING', `There is no file ${file}.`, {
      cause,
      hint: 'Check the path; without files, the catalogs that ship are imported: structdb catalog import',
    });
  }
  return new StructdbError('FILE_UNREADABLE', `Cannot read ${file}: ${(cause as Error).message}.`, {
    cause,
    hint: 'Check its owner and permissions.',
  });
}
