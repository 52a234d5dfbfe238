import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { StructdbError } from '../core/errors.ts';
import { redact } from '../core/redact.ts';
import { countStreamed } from '../core/streamed.ts';

/** A program that turns standard input into standard output. Needs no package, because `wal push` uses it. */
export interface Filter {
  readonly path: string;
  readonly args: readonly string[];
  /** What was being done, for the message: `Encrypting`. */
  readonly doing: string;
}

/** Where programs are besides PATH: cron and servers have a short one. */
const USUAL_PLACES = ['/usr/local/bin', '/usr/bin', '/bin', '/opt/homebrew/bin'];

/** The full path of a program by its name alone; undefined when this machine does not have it. */
export async function findFilter(name: string, searchPath: string | undefined): Promise<string | undefined> {
  const folders = (searchPath ?? '').split(path.delimiter).filter(path.isAbsolute);
  for (const folder of new Set([...folders, ...USUAL_PLACES])) {
    const file = path.join(folder, name);
    const runs = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return file;
  }
  return undefined;
}

/**
 * Streams a source through a program. What the source throws ends the program and is thrown on; whoever stops reading
 * ends it too. The last bytes came only when the program exited with 0.
 * @throws PROGRAM_FAILED with the lines of its standard error as details
 */
export async function* filterThrough(
  filter: Filter,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Buffer> {
  // A group of its own: Ctrl-C reaches structdb alone, which ends its programs in order.
  const child = spawn(filter.path, [...filter.args], { cwd: '/', env: {}, detached: true });
  const ended = endOf(child);
  ended.catch(() => {});
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  const fed: Fed = {};
  const feeding = feed(child, source, fed);
  let held: Buffer | undefined;
  try {
    for await (const chunk of child.stdout) {
      if (held) yield held;
      held = chunk as Buffer;
      countStreamed(held.length);
    }
    const exit = await ended;
    if (fed.failure) throw fed.failure.error;
    if (exit !== 0) throw filterFailure(filter, errors.join(''), exit);
    await feeding;
  } finally {
    child.kill('SIGKILL');
  }
  if (held) yield held;
}

function endOf(child: ChildProcessWithoutNullStreams): Promise<number | string> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'an unknown end'));
  });
}

interface Fed {
  /** What the source threw. */
  failure?: { readonly error: unknown };
}

async function feed(
  child: ChildProcessWithoutNullStreams,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  fed: Fed,
): Promise<void> {
  const { stdin } = child;
  // A program that ends before it read everything is judged by its exit code.
  stdin.on('error', () => {});
  try {
    for await (const chunk of source) {
      if (stdin.destroyed) break;
      if (!stdin.write(chunk)) await roomIn(child);
    }
    stdin.end();
  } catch (error) {
    fed.failure = { error };
    // Killed and not merely told of the end: it must not take half for the whole.
    child.kill('SIGKILL');
  }
}

function roomIn({ stdin }: ChildProcessWithoutNullStreams): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stdin.off('drain', done).off('close', done);
      resolve();
    };
    stdin.on('drain', done).on('close', done);
    if (stdin.destroyed) done();
  });
}

function filterFailure({ path: file, doing }: Filter, stderr: string, exit: number | string): StructdbError {
  const details = redact(stderr)
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const end = typeof exit === 'number' ? `exit code ${exit}` : `it was stopped by ${exit}`;
  return new StructdbError(
    'PROGRAM_FAILED',
    `${doing} failed: ${path.basename(file)}: ${details[0] ?? end} (${end}).`,
    {
      details: details.slice(0, 8),
    },
  );
}
