import { Readable } from 'node:stream';
import { StructdbError } from '../core/errors.ts';
import { baseProgramEnvironment } from './credentials.ts';
import type { Program } from './find.ts';
import { runProgram } from './run.ts';

/** The system's own; GNU's and BSD's both take these options, and start zstd themselves. */
const TAR: Program = Object.freeze({ name: 'tar', path: 'tar', version: '', major: 0 });

/**
 * Unpacks a tar archive that is compressed with Zstandard into a directory that exists. An error of `body` comes out as it
 * was thrown.
 * @throws PROGRAM_FAILED, DISK_FULL, INTERRUPTED
 */
export async function unpackArchive(
  body: AsyncIterable<Uint8Array>,
  directory: string,
  options: { readonly doing: string; readonly signal: AbortSignal },
): Promise<void> {
  const input = Readable.from(body, { objectMode: false });
  try {
    await runProgram(TAR, ['--zstd', '-x', '-f', '-', '-C', directory], {
      env: baseProgramEnvironment,
      input,
      ...options,
    });
  } catch (error) {
    throw diskFullOr(error, directory);
  } finally {
    input.destroy();
  }
}

/** What a program complains of when the disk that it writes to has no room. */
export function diskFullOr(error: unknown, directory: string): unknown {
  if (!(error instanceof StructdbError) || error.code !== 'PROGRAM_FAILED') return error;
  if (![error.message, ...error.details].some((line) => /No space left on device|Disk quota exceeded/.test(line))) {
    return error;
  }
  return new StructdbError('DISK_FULL', `No space is left in ${directory}: ${error.message}`, {
    cause: error,
    details: error.details,
    hint: 'Free space there, then run the command again.',
  });
}
