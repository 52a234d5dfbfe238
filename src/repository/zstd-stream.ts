import { createZstdDecompress, type ZstdDecompress } from 'node:zlib';
import { codeOf, messageOf, StructdbError } from '../core/errors.ts';

/** Large pieces: each one costs a turn of the event loop, and what is behind this writes and hashes them. */
const PIECE_BYTES = 1024 * 1024;

/**
 * The plain bytes of a Zstandard stream of any number of frames: Node's own stream ends behind the first (24.21), so what
 * is left of the input goes into another one. In this process, because handing 1.5 GB through a pipe costs more than to
 * decompress them. An error of the source comes out as it was thrown. Pieces
 * may be given back by `release`.
 * @throws BACKUP_CORRUPT naming `what`, when the bytes are no whole Zstandard
 */
export async function* decompressed(source: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<Buffer> {
  const input = source[Symbol.asyncIterator]();
  try {
    let left: Uint8Array | undefined;
    do {
      const engine = createZstdDecompress({ chunkSize: PIECE_BYTES });
      const feeding = feed(engine, input, left);
      try {
        for await (const piece of engine) yield piece as Buffer;
      } catch (error) {
        const outcome = await feeding;
        throw 'error' in outcome ? outcome.error : damaged(error, what);
      } finally {
        engine.destroy();
      }
      const outcome = await feeding;
      if ('error' in outcome) throw outcome.error;
      left = outcome.left;
    } while (left !== undefined);
  } finally {
    await input.return?.();
  }
}

type Fed = { readonly left: Uint8Array | undefined } | { readonly error: unknown };

/** Gives the engine its input until there is no more, or it wants no more; tells what it did not take. */
async function feed(
  engine: ZstdDecompress,
  input: AsyncIterator<Uint8Array>,
  first: Uint8Array | undefined,
): Promise<Fed> {
  let closed = false;
  const over = new Promise<void>((resolve) => {
    for (const event of ['end', 'close', 'error']) {
      engine.once(event, () => {
        closed = true;
        resolve();
      });
    }
  });
  let fed = 0;
  let piece = first;
  try {
    for (;;) {
      if (piece === undefined) {
        const next = await input.next();
        if (next.done) {
          engine.end();
          return { left: undefined };
        }
        piece = next.value;
      }
      if (closed) return { left: piece };
      fed += piece.byteLength;
      const taken = new Promise<void>((resolve) => engine.write(piece, () => resolve()));
      await Promise.race([taken, over]);
      // Behind the end of a frame it takes no more, and ends.
      const rest = fed - engine.bytesWritten;
      if (rest > 0) return { left: piece.subarray(piece.byteLength - rest) };
      if (closed) return { left: undefined };
      piece = undefined;
    }
  } catch (error) {
    engine.destroy();
    return { error };
  }
}

function damaged(error: unknown, what: string): unknown {
  if (!/^(Z|ERR_)/.test(codeOf(error) ?? '')) return error;
  return new StructdbError('BACKUP_CORRUPT', `${what} cannot be decompressed: ${messageOf(error)}.`, {
    cause: error,
    hint: 'Use another backup: structdb backup list',
  });
}
