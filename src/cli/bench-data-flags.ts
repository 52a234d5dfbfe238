import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { codeOf, StructdbError } from '../core/errors.ts';
import type { Registry } from '../migrate/index.ts';
import { numberList, wholeNumber } from './bench-numbers.ts';
import { migrationsDirectory, migrationsOf } from './migrate-common.ts';
import type { Session } from './session.ts';

/** Which data a benchmark asks. */
export interface DataFlags {
  readonly scale?: string;
  readonly projects?: string;
  readonly seed?: string;
  readonly afterLoad?: string;
}

export interface DataChoice {
  readonly projects?: readonly number[];
  readonly seed?: number;
  readonly afterLoad?: string;
  readonly registry?: Registry;
}

export function addDataFlags(command: Command): Command {
  return command
    .option(
      '--scale <sizes>',
      'sample projects, three times as many events; several in turn: 10k,100k,1m (default: 10k)',
    )
    .option('--projects <n>', 'the same as --scale')
    .option('--seed <n>', 'which sample: the same number gives the same rows (default: 1)')
    .option('--after-load <file>', 'SQL that is run after loading, to try a change of the schema');
}

/** With the migrations of the configuration, if it names any. @throws USAGE, FILE_MISSING, FILE_UNREADABLE */
export async function dataChoice(session: Session, flags: DataFlags): Promise<DataChoice> {
  const afterLoad = flags.afterLoad === undefined ? undefined : await readSql(session, flags.afterLoad);
  const directory = await migrationsDirectory(session, {});
  return {
    ...sizes(flags),
    ...(directory === undefined ? {} : { registry: await migrationsOf(session, {}) }),
    ...wholeNumber('seed', flags.seed, 0, 2 ** 32 - 1),
    ...(afterLoad === undefined ? {} : { afterLoad }),
  };
}

/** What --scale or --projects says. */
function sizes({ scale, projects }: DataFlags): { projects?: readonly number[] } {
  if (scale !== undefined && projects !== undefined) {
    throw new StructdbError('USAGE', '--scale and --projects say the same: give one of them.', {
      hint: 'Run: structdb bench --help',
    });
  }
  const range = { least: 10, most: 10_000_000 };
  if (scale !== undefined) return { projects: numberList(scale, { name: 'scale', ...range }) };
  return projects === undefined ? {} : { projects: numberList(projects, { name: 'projects', ...range }) };
}

async function readSql(session: Session, file: string): Promise<string> {
  try {
    return await readFile(path.resolve(session.environment.workingDirectory, file), 'utf8');
  } catch (error) {
    const isMissing = codeOf(error) === 'ENOENT';
    throw new StructdbError(
      isMissing ? 'FILE_MISSING' : 'FILE_UNREADABLE',
      isMissing ? `There is no file ${file} to run after loading.` : `${file} cannot be read.`,
      { cause: error, hint: 'Name a file with SQL: --after-load change.sql' },
    );
  }
}
