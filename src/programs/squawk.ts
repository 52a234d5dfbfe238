import { createRequire } from 'node:module';
import { StructdbError } from '../core/errors.ts';
import type { Program } from './find.ts';
import { runProgram } from './run.ts';

/** What squawk found, at a line of the text that it was given. */
export interface SquawkFinding {
  readonly rule: string;
  readonly level: 'error' | 'warning';
  readonly message: string;
  readonly help: string | null;
  /** Counted from 0. */
  readonly line: number;
}

export interface SquawkOptions {
  /** The oldest PostgreSQL that the text must suit. */
  readonly major: number;
  /** Whether all of it is one transaction. */
  readonly transactional: boolean;
  readonly exclude: readonly string[];
  readonly signal?: AbortSignal;
}

/**
 * Runs squawk over SQL. It is given no configuration: what is left out is said in the migrations, with a reason.
 * @throws PACKAGE_MISSING where npm did not install it, PROGRAM_FAILED
 */
export async function runSquawk(text: string, options: SquawkOptions): Promise<SquawkFinding[]> {
  const { major, transactional, exclude, signal } = options;
  const args = ['--reporter', 'json', '--stdin-filepath', 'migration.sql', '--pg-version', String(major)];
  if (transactional) args.push('--assume-in-transaction');
  if (exclude.length > 0) args.push(`--exclude=${exclude.join(',')}`);
  const { stdout } = await runProgram(findSquawk(), args, {
    env: {},
    // Its own comments need no reason.
    input: text.replaceAll('squawk-ignore', 'squawk_ignore'),
    // 1: it found something.
    accept: [1],
    doing: 'Linting migrations',
    ...(signal === undefined ? {} : { signal }),
  });
  return (JSON.parse(stdout) as RawFinding[]).map(({ rule_name, level, message, help, line }) => ({
    rule: rule_name,
    level: level === 'Error' ? 'error' : 'warning',
    message,
    help,
    line,
  }));
}

interface RawFinding {
  readonly rule_name: string;
  readonly level: string;
  readonly message: string;
  readonly help: string | null;
  readonly line: number;
}

/** The binary of npm's squawk-cli, without the script in front of it. */
function findSquawk(): Program {
  try {
    const wrapper = createRequire(createRequire(import.meta.url).resolve('squawk-cli/package.json'));
    const file = process.platform === 'win32' ? 'squawk.exe' : 'squawk';
    const path = wrapper.resolve(`@squawk-cli/${process.platform}-${process.arch}/bin/${file}`);
    return Object.freeze({ name: 'squawk', path, version: '', major: 0 });
  } catch (cause) {
    throw new StructdbError('PACKAGE_MISSING', 'The package squawk-cli, whose rules lint runs, is not installed.', {
      cause,
      hint: 'Run: npm install --save-dev --include=optional squawk-cli',
    });
  }
}
