import { PassThrough } from 'node:stream';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import type { Program } from '../programs/find.ts';
import { runProgram } from '../programs/run.ts';
import type { ManifestPart } from '../repository/manifest.ts';
import { writePart } from '../repository/parts.ts';
import type { Repository } from '../repository/repository.ts';

export interface StoredProgram {
  readonly program: Program;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly doing: string;
  readonly step: string;
}

/**
 * Streams a program's output into a part of a backup. Success means: it exited with 0, its output ended, something
 * came, and the store has it durably. Otherwise the part must be taken for rubbish: nothing names it.
 */
export async function storeOutput(
  run: StoredProgram,
  repository: Repository,
  label: string,
  part: string,
  context: RunContext,
): Promise<ManifestPart> {
  const pipe = new PassThrough({ highWaterMark: 1024 * 1024 });
  // A program may fail before the store begins to read; without a listener that would end the process.
  pipe.on('error', () => {});
  const stored = writePart(repository, label, part, counted(pipe, run.step, context));
  // What fails before it reads would leave the program waiting for somebody to take its output.
  stored.catch(() => pipe.destroy());
  const ran = runProgram(run.program, run.args, {
    env: run.env,
    signal: context.signal,
    output: pipe,
    doing: run.doing,
  }).catch((error) => {
    pipe.destroy(error instanceof Error ? error : undefined);
    throw error;
  });
  const [write, exit] = await Promise.allSettled([stored, ran]);
  // A full disk, or encryption that fails, is the cause; the program's complaint about the closed pipe is the effect.
  const effect = exit.status === 'rejected' && !(exit.reason instanceof StructdbError);
  if (write.status === 'rejected' && (effect || isOfStore(write.reason))) throw write.reason;
  if (exit.status === 'rejected') throw connectionLossOf(exit.reason);
  if (write.status === 'rejected') throw write.reason;
  if (write.value.sizeBytes > 0) return write.value;
  throw new StructdbError('PROGRAM_FAILED', `${run.doing} failed: ${run.program.name} wrote nothing.`);
}

const REPORT_EVERY = 4 * 1024 * 1024;

async function* counted(source: AsyncIterable<Buffer>, step: string, context: RunContext): AsyncGenerator<Buffer> {
  let done = 0;
  let reported = 0;
  for await (const chunk of source) {
    done += chunk.byteLength;
    if (done - reported >= REPORT_EVERY) {
      reported = done;
      context.report({ kind: 'progress', step, done, unit: 'bytes' });
    }
    yield chunk;
  }
}

function isOfStore(error: unknown): boolean {
  return (
    error instanceof StructdbError &&
    ['BUCKET_MISSING', 'DISK_FULL', 'STORE_DENIED', 'STORE_FAILED', 'STORE_OWNER'].includes(error.code)
  );
}

/** What the programs say when the server went away, as the code that other commands use for it. */
export function connectionLossOf(error: unknown): unknown {
  if (!(error instanceof StructdbError) || error.code !== 'PROGRAM_FAILED') return error;
  const telling =
    /server closed the connection|terminating connection|connection to server .* (was lost|failed)|shutting down|SSL SYSCALL|lost synchronization/;
  const lost = [error.message, ...error.details].some((line) => telling.test(line));
  if (!lost) return error;
  return new StructdbError('CONNECTION_LOST', `The server went away. ${error.message}`, {
    cause: error,
    details: error.details,
    hint: "Check the server's log, then run the command again; what was written is swept.",
  });
}
