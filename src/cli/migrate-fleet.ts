import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { NamedConnection } from '../config/url-file.ts';
import { interrupted } from '../core/context.ts';
import { codeOf, messageOf, StructdbError } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';
import type { DatabaseOutcome, DatabaseState, UpManyOptions, UpManyResult } from '../migrate/index.ts';
import type { Style } from './output.ts';
import type { Session } from './session.ts';
import type { Outcome } from './shell.ts';

export interface FleetFlags {
  readonly url?: string;
  readonly urlFile?: string;
  readonly jobs?: string;
  readonly keepGoing?: boolean;
}

const MOST_JOBS = 64;

export function addFleetFlags(command: Command): void {
  command
    .option('--url-file <file>', 'many databases: a URL, or name = URL, on each line; - reads standard input')
    .option('--jobs <n>', 'with --url-file: how many databases at once, 1 to 64 (default: 4)')
    .option('--keep-going', 'with --url-file: go on with the other databases after a failure in one');
}

/** Whether `up` is for many databases. @throws USAGE for flags that do not go together */
export function wantsFleet({ url, urlFile, jobs, keepGoing }: FleetFlags): boolean {
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

/** `structdb migrate up --url-file` */
export async function upFleet(
  session: Session,
  { urlFile, jobs, keepGoing }: FleetFlags,
  options: Pick<UpManyOptions, 'count' | 'lockTimeoutMs' | 'lockWaitMs'> & {
    readonly registry: () => Promise<NonNullable<UpManyOptions['registry']>>;
  },
): Promise<Outcome> {
  const { judgeUpMany, upMany } = await import('../migrate/index.ts');
  const atOnce = jobs === undefined ? {} : { jobs: jobsOf(jobs) };
  const waitMs = await session.waitMs();
  const databases = await databasesOf(urlFile!, session);
  const registry = await options.registry();
  const result = await upMany(
    { ...options, ...atOnce, databases, registry, keepGoing: keepGoing === true, waitMs },
    session.context,
  );
  return { result, human: (style) => renderFleet(result, style), verdict: judgeUpMany(result) };
}

function jobsOf(text: string): number {
  const jobs = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (jobs >= 1 && jobs <= MOST_JOBS) return jobs;
  throw new StructdbError('USAGE', `--jobs "${text}" is not a whole number from 1 to ${MOST_JOBS}.`, {
    hint: 'Say how many databases are migrated at once, for instance --jobs 8.',
  });
}

async function databasesOf(file: string, session: Session): Promise<NamedConnection[]> {
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

const STATES: readonly DatabaseState[] = ['migrated', 'up to date', 'failed', 'locked', 'interrupted', 'not begun'];

/** A line for each database, what went wrong below, and one line that counts. */
function renderFleet({ databases }: UpManyResult, style: Style): string {
  const rows = [['database', 'state', 'applied', 'now at', 'time'], ...databases.map(cellsOf)];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const [head, ...lines] = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  const counts = STATES.map((state) => ({ state, count: databases.filter((one) => one.state === state).length }));
  const told = counts.filter(({ count }) => count > 0).map(({ state, count }) => `${count} ${state}`);
  return [
    style.dim(`  ${head}`),
    ...lines.map((line, index) => `${mark(databases[index]!.state, style)} ${line}`),
    ...databases.flatMap((database) => renderFailure(database, style)),
    `${databases.length} ${databases.length === 1 ? 'database' : 'databases'}: ${told.join(', ')}.`,
  ].join('\n');
}

function cellsOf({ name, state, steps, current, pending, durationMs }: DatabaseOutcome): string[] {
  if (state === 'not begun') return [name, state, '', '', ''];
  const at = pending === null ? 'not known' : (current ?? 'no migration');
  return [name, state, String(steps.length), at, formatDuration(durationMs)];
}

function mark(state: DatabaseState, style: Style): string {
  if (state === 'migrated' || state === 'up to date') return style.green('✓');
  return state === 'not begun' ? style.yellow('·') : style.red('✗');
}

function renderFailure({ name, state, error }: DatabaseOutcome, style: Style): string[] {
  if (error === null || state === 'interrupted') return [];
  return [
    `${style.red('✗')} ${style.bold(name)}: ${error.message}`,
    ...(error.details ?? []).map((detail) => `    ${detail}`),
    ...(error.hint === null ? [] : [`  ${style.cyan('→')} ${error.hint}`]),
  ];
}
