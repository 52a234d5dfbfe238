import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { execa } from 'execa';
import { StructdbError } from '../core/errors.ts';
import { redact } from '../core/redact.ts';
import type { Program } from './find.ts';

/** The user that a program runs as; PostgreSQL's own refuse root. */
export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
  readonly home: string;
}

export interface RunOptions {
  /** The whole environment of the program: nothing is inherited but what is named here. */
  readonly env: Readonly<Record<string, string>>;
  readonly user?: SystemUser | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Text or bytes for standard input; nothing by default. */
  readonly input?: string | Readable;
  /** Where standard output goes; collected as text by default. */
  readonly output?: Writable;
  readonly timeoutMs?: number;
  readonly workingDirectory?: string;
  /** Exit codes that are an answer and not a failure (besides 0). */
  readonly accept?: readonly number[];
  /** What was being done, for the message: `Dumping database "x"`. */
  readonly doing: string;
  /** Called with each line of standard error while the program runs. */
  readonly onErrorLine?: (line: string) => void;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How long a program that was told to stop may take before it is killed. */
const STOP_GRACE_MS = 10_000;

/**
 * Runs a program to its end. Success means: it exited with 0 (or an accepted code) AND its output was written whole.
 * @throws PROGRAM_FAILED with the last lines of its standard error; INTERRUPTED when the signal fired.
 */
export async function runProgram(program: Program, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const [file, ...words] = endingWithUs([program.path, ...args]);
  const child = execa(file, words, {
    env: { ...options.env },
    extendEnv: false,
    cwd: options.workingDirectory ?? '/',
    reject: false,
    // Its own process group: the terminal's Ctrl-C reaches structdb, which stops its programs in order.
    detached: true,
    cleanup: true,
    stdin: options.input === undefined ? 'ignore' : 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: { stdout: options.output === undefined, stderr: true },
    maxBuffer: 64 * 1024 * 1024,
    stripFinalNewline: false,
    forceKillAfterDelay: STOP_GRACE_MS,
    ...(options.user === undefined ? {} : { uid: options.user.uid, gid: options.user.gid }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
  });
  // What a shell started holds its output open, and would be waited for.
  const stopGroup = options.timeoutMs === undefined ? undefined : stopGroupAfter(child.pid, options.timeoutMs);
  const work: Promise<unknown>[] = [];
  let streamError: unknown;
  const remember = (error: unknown) => {
    streamError ??= error;
  };
  let inputError: unknown;
  if (options.input !== undefined) {
    work.push(
      feed(child.stdin!, options.input).catch((error) => {
        // What it was given is not whole: it must not take it for the whole.
        inputError ??= error;
        child.kill('SIGTERM');
      }),
    );
  }
  if (options.output !== undefined) {
    work.push(
      pump(child.stdout!, options.output).catch((error) => {
        remember(error);
        child.kill('SIGTERM');
      }),
    );
  }
  if (options.onErrorLine) followLines(child.stderr!, options.onErrorLine);
  const result = await child;
  stopGroup?.();
  await Promise.all(work);
  if (options.signal?.aborted) throw new StructdbError('INTERRUPTED', 'Interrupted.');
  if (inputError !== undefined) throw inputError;
  // A full disk or a broken store is the cause; the program's own complaint about the closed pipe is the effect.
  if (streamError !== undefined) throw streamError;
  const exitCode = result.exitCode ?? -1;
  if (exitCode !== 0 && !options.accept?.includes(exitCode)) {
    throw programFailure(program, options.doing, result as unknown as FailedResult);
  }
  return {
    exitCode,
    stdout: typeof result.stdout === 'string' ? result.stdout : '',
    stderr: redact(String(result.stderr ?? '')),
  };
}

/** Of util-linux, which every Debian has. */
const SETPRIV = '/usr/bin/setpriv';
let hasSetpriv: boolean | undefined;

/**
 * The command, run so that the system ends it when structdb is killed (prctl(2), PR_SET_PDEATHSIG): a pg_dump or pg_restore
 * that goes on alone would be in the way of the next run. What it starts itself, a server for one, is not ended. Where there
 * is no setpriv, a program ends by itself sooner or later.
 */
function endingWithUs(command: readonly [string, ...string[]]): readonly [string, ...string[]] {
  hasSetpriv ??= process.platform === 'linux' && existsSync(SETPRIV);
  return hasSetpriv && path.isAbsolute(command[0]) ? [SETPRIV, '--pdeathsig', 'TERM', '--', ...command] : command;
}

/** Stops a program's whole process group when its time is over. Returns what calls that off. */
function stopGroupAfter(pid: number | undefined, timeoutMs: number): () => void {
  const kill = (signal: NodeJS.Signals) => () => {
    try {
      if (pid !== undefined) process.kill(-pid, signal);
    } catch {
      // It has ended.
    }
  };
  const timers = [setTimeout(kill('SIGTERM'), timeoutMs), setTimeout(kill('SIGKILL'), timeoutMs + STOP_GRACE_MS)];
  return () => {
    for (const timer of timers) clearTimeout(timer);
  };
}

interface FailedResult {
  readonly exitCode?: number;
  readonly signal?: string;
  readonly timedOut?: boolean;
  readonly stderr?: unknown;
  readonly shortMessage?: string;
}

function programFailure(program: Program, doing: string, result: FailedResult): StructdbError {
  const lines = redact(String(result.stderr ?? ''))
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const end = result.timedOut
    ? 'it took too long'
    : result.signal
      ? `it was stopped by ${result.signal}`
      : result.exitCode === undefined
        ? 'it could not be started'
        : `exit code ${result.exitCode}`;
  const telling = lines.findLast((line) => /error|fatal|panic|could not|refus|denied/i.test(line)) ?? lines.at(-1);
  return new StructdbError(
    'PROGRAM_FAILED',
    `${doing} failed: ${`${program.name} ${program.version}`.trim()}: ${telling ?? end} (${end}).`,
    {
      details: lines.slice(-8),
    },
  );
}

async function feed(stdin: NodeJS.WritableStream, input: string | Readable): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    // A program that ends before it read everything is judged by its exit code.
    stdin.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' ? resolve() : reject(error)));
    stdin.on('finish', resolve);
    // It may also close without either, when the program ends between two writes.
    stdin.on('close', resolve);
    if (typeof input === 'string') stdin.end(input);
    else {
      input.pipe(stdin);
      // A pipe does not hand an error on: the program would wait for more for ever.
      input.on('error', (error) => {
        reject(error);
        stdin.end();
      });
    }
  });
}

async function pump(from: Readable, to: Writable): Promise<void> {
  const { pipeline } = await import('node:stream/promises');
  await pipeline(from, to);
}

function followLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  stream.on('data', (chunk: Buffer | string) => {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(redact(line));
  });
}
