import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from '@jest/globals';
import { temporaryRoot } from '../../src/programs/own-directory.ts';
import { programs } from './environment.ts';

export const projectRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** What the tests run: the package as it is installed (scripts/stage-package.sh), or, without one, the sources. */
export const program = process.env.STRUCTDB_TEST_PROGRAM ?? path.join(projectRoot, 'bin/structdb.js');

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** An empty folder by default, so that no configuration is found by chance. */
  readonly cwd?: string;
  readonly input?: string;
  /** Called with all standard error so far: lets a test interrupt at a known moment. */
  readonly onStderr?: (soFar: string, child: { kill(signal: NodeJS.Signals): void }) => void;
}

export interface CliResult {
  /** Of the process that ran; absent in results that tests make up. */
  readonly pid?: number;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The parsed document of a --json run. */
  // biome-ignore lint/suspicious/noExplicitAny: each command has its own shape, asserted by its tests
  readonly json: any;
}

let empty: string | undefined;

afterAll(() => {
  if (empty) rmSync(empty, { recursive: true, force: true });
});

/** Runs the real program as a user would, with nothing of the test's environment but PATH and HOME. */
export async function structdb(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  empty ??= mkdtempSync(path.join(temporaryRoot(), 'structdb-cwd-'));
  const child = spawn(process.execPath, [program, ...args], {
    cwd: options.cwd ?? empty,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/', ...programs, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    options.onStderr?.(stderr, child);
  });
  // A program that ends without reading has ended for a reason of its own.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? (signal ? 256 : -1)));
  });
  return {
    ...(child.pid === undefined ? {} : { pid: child.pid }),
    exitCode,
    stdout,
    stderr,
    json: args.includes('--json') ? parse(stdout) : undefined,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
