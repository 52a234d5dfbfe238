import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { NamedConnection } from '../config/url-file.ts';
import { interrupted } from '../core/context.ts';
import { codeOf, messageOf, StructdbError } from '../core/errors.ts';
import type { DatabaseError } from '../migrate/index.ts';
import type { Style } from './output.ts';
import type { Session } from './session.ts';

export interface UrlFileFlags {
  readonly url?: string;
  readonly urlFile?: string;
  readonly jobs?: string;
  readonly keepGoing?: boolean;
}

const MOST_JOBS = 64;

export function addUrlFile(command: Command): Command {
  return command
    .option('--url-file <file>', 'many databases: a URL, or name = URL, on each line; - reads standard input')
    .option('--jobs <n>', 'with --url-file: how many databases at once, 1 to 64 (default: 4)');
}

/** Whether a command is for many databases. @throws USAGE for flags that do not go together */
export function wantsMany({ url, urlFile, jobs, keepGoing }: UrlFileFlags): boolean {
  if (urlFile === undefined) {
    const alone = jobs === undefined ? keepGoing && '--keep-going' : '--jobs';
    if (!alone) return false;
    throw new StructdbError('USAGE', `${alone} goes with --url-file alone.`, {
      hint: 'Name the file with the URLs of the databases: --url-file <file>',
    });
  }
  if (url === undefined) return true;
  throw new StructdbError('USAGE', '--url and --url-file exclude each other.', {
    hint: 'Write the URL into the file, or leave one of them out.',
  });
}

export function jobsOf(text: string | undefined): { readonly jobs?: number } {
  if (text === undefined) return {};
  const jobs = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (jobs >= 1 && jobs <= MOST_JOBS) return { jobs };
  throw new StructdbError('USAGE', `--jobs "${text}" is not a whole number from 1 to ${MOST_JOBS}.`, {
    hint: 'Say how many databases are migrated at once, for instance --jobs 8.',
  });
}

export async function databasesOf(file: string, session: Session): Promise<NamedConnection[]> {
  const { parseUrlFile } = await import('../config/url-file.ts');
  const text = file === '-' ? await standardInput(session) : await contentsOf(file, session);
  return parseUrlFile(text, file === '-' ? 'standard input' : file, session.environment);
}

async function contentsOf(file: string, { environment }: Session): Promise<string> {
  return readFile(path.resolve(environment.workingDirectory, file), 'utf8').catch((cause: unknown) => {
    const missing = codeOf(cause) === 'ENOENT';
    throw new StructdbError(
      missing ? 'FILE_MISSING' : 'FILE_UNREADABLE',
      missing ? `There is no file ${file}.` : `The file ${file} cannot be read: ${messageOf(cause)}.`,
      { cause, hint: 'Name the file with the URLs of the databases: --url-file <file>' },
    );
  });
}

async function standardInput({ context: { signal } }: Session): Promise<string> {
  if (signal.aborted) throw interrupted();
  const stopped = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(interrupted()), { once: true }),
  );
  return Promise.race([textOf(process.stdin), stopped]);
}

/** Lines of a table, the head first, each with its mark. */
export function renderTable(
  head: readonly string[],
  rows: readonly { readonly mark: string; readonly cells: readonly string[] }[],
  style: Style,
): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map(({ cells }) => cells[column]!.length)));
  const aligned = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  return [style.dim(`  ${aligned(head)}`), ...rows.map(({ mark, cells }) => `${mark} ${aligned(cells)}`)];
}

export function renderFailure(
  { name, error }: { readonly name: string; readonly error: DatabaseError | null },
  style: Style,
): string[] {
  if (error === null) return [];
  return [
    `${style.red('✗')} ${style.bold(name)}: ${error.message}`,
    ...(error.details ?? []).map((detail) => `    ${detail}`),
    ...(error.hint === null ? [] : [`  ${style.cyan('→')} ${error.hint}`]),
  ];
}

/** `4 databases: 2 migrated, 1 up to date, 1 failed.` */
export function countStates<State extends string>(
  databases: readonly { readonly state: State }[],
  states: readonly State[],
): string {
  const counts = states.map((state) => ({ state, count: databases.filter((one) => one.state === state).length }));
  const told = counts.filter(({ count }) => count > 0).map(({ state, count }) => `${count} ${state}`);
  return `${databases.length} ${databases.length === 1 ? 'database' : 'databases'}: ${told.join(', ')}.`;
}
