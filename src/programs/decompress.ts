import { PassThrough, Readable } from 'node:stream';
import { messageOf, StructdbError } from '../core/errors.ts';
import type { Program } from './find.ts';
import { runProgram } from './run.ts';

/** The `zstd` program of the system: it reads every frame of a file, where Node's own stream stops behind the first (24.21). */
export const ZSTD: Program = Object.freeze({ name: 'zstd', path: 'zstd', version: '', major: 0 });

/** Found through PATH, as a user's own shell finds it. */
const PATH = '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin';

/**
 * The plain bytes of a Zstandard stream. An error of the source comes out as it was thrown.
 * @throws PROGRAM_MISSING, PROGRAM_FAILED when the bytes are no Zstandard, INTERRUPTED
 */
export async function* decompressed(
  source: AsyncIterable<Uint8Array>,
  doing: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const stop = new AbortController();
  const output = new PassThrough({ highWaterMark: 1024 * 1024 });
  let sourceError: unknown;
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      yield* source;
    } catch (error) {
      sourceError = error;
      stop.abort();
    }
  }
  const input = Readable.from(watched(), { objectMode: false, highWaterMark: 1024 * 1024 });
  const running = runProgram(ZSTD, ['--decompress', '--stdout', '--quiet', '-T1'], {
    env: { PATH, LC_ALL: 'C' },
    signal: AbortSignal.any([signal, stop.signal]),
    input,
    output,
    doing,
  }).then(
    () => undefined,
    (error: unknown) => {
      output.destroy(error as Error);
      return error;
    },
  );
  try {
    for await (const chunk of output) yield chunk as Buffer;
  } catch (error) {
    throw sourceError ?? missingOr(error);
  } finally {
    // Also when the reader stopped early: the program must not outlive it.
    output.destroy();
    stop.abort();
    await running;
    input.destroy();
  }
  if (sourceError !== undefined) throw sourceError;
}

function missingOr(error: unknown): unknown {
  if (!(error instanceof StructdbError) || !/could not be started/.test(messageOf(error))) return error;
  return new StructdbError('PROGRAM_MISSING', 'The program zstd was not found.', {
    cause: error,
    hint: 'Install it: apt-get install zstd',
  });
}
