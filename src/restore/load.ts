import { rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { baseProgramEnvironment, withProgramEnvironment } from '../programs/credentials.ts';
import type { Program } from '../programs/find.ts';
import { runProgram } from '../programs/run.ts';
import { findExtensions } from './contents.ts';
import { selectToc, type TocLimits, type TocSelection, unknownOwners } from './toc.ts';

export interface LoadOptions {
  readonly pgRestore: Program;
  /** The verified dump. */
  readonly file: string;
  readonly connection: ConnectionSettings;
  /** Its name when the restore is done, for messages. */
  readonly database: string;
  readonly superuser: boolean;
  /** Tablespaces of the source's cluster; where one is absent here, everything goes to the default one. */
  readonly tablespaces: readonly string[];
  /**
   * `single transaction`: a killed load leaves nothing. `parallel`: several connections, for a database that nobody can
   * mistake for a whole one yet. `none`: the rows are there already, from a run that was killed afterwards.
   */
  readonly mode: 'single transaction' | 'parallel' | 'none';
}

export interface Loaded {
  readonly toc: TocSelection;
  /** Whether every object went to the restoring role instead of its former owner. */
  readonly ownerless: boolean;
}

/** Most connections that a restore opens: beyond this, one machine's disk is the limit. */
const MOST_JOBS = 8;

/**
 * Puts the dump's objects and rows into the database, without privileges.
 * @throws PROGRAM_FAILED at the first error, DISK_FULL, TARGET_UNSUITABLE when what had to be left out is missed
 */
export async function loadDump(options: LoadOptions, context: RunContext): Promise<Loaded> {
  const { connection, pgRestore } = options;
  const listing = await listToc(pgRestore, options.file, context);
  const { limits, roles, tablespaces } = await withClient(connection, profiles.restore, context, async (client) => {
    const { rows: schemas } = await client.query<{ name: string }>('select nspname as name from pg_namespace');
    const { rows: available } = await client.query<{ name: string; trusted: boolean }>(
      'select name, bool_or(trusted) as trusted from pg_available_extension_versions group by name',
    );
    const { rows: allRoles } = await client.query<{ name: string }>('select rolname as name from pg_roles');
    const found: TocLimits = {
      superuser: options.superuser,
      schemas: new Set(schemas.map(({ name }) => name)),
      extensions: await findExtensions(client),
      available: new Map(available.map(({ name, trusted }) => [name, { trusted }])),
    };
    const { rows: spaces } = await client.query<{ name: string }>('select spcname as name from pg_tablespace');
    return {
      limits: found,
      roles: allRoles.map(({ name }) => name),
      tablespaces: new Set(spaces.map(({ name }) => name)),
    };
  });
  const toc = selectToc(listing, limits);
  const ownerless = !options.superuser || unknownOwners(toc.lines, roles);
  for (const reason of toc.leftOut) context.report({ kind: 'warning', message: `Left out: ${reason}.` });
  if (options.mode === 'none') return { toc, ownerless };
  const spaceless = options.tablespaces.some((name) => !tablespaces.has(name));
  if (spaceless) {
    context.report({ kind: 'notice', message: 'Tablespaces of the source are not here: the default one is used.' });
  }
  const without = [...(ownerless ? ['--no-owner'] : []), ...(spaceless ? ['--no-tablespaces'] : [])];
  await withListFile(options.file, toc.list, (list) => run(options, [`--use-list=${list}`, ...without], toc, context));
  return { toc, ownerless };
}

/** The dump's table of contents, which also shows that pg_restore can read it. */
async function listToc(pgRestore: Program, file: string, context: RunContext): Promise<string> {
  const { stdout } = await runProgram(pgRestore, ['--list', file], {
    env: baseProgramEnvironment,
    signal: context.signal,
    doing: "Reading the dump's table of contents",
  });
  return stdout;
}

async function run(
  options: LoadOptions,
  selection: readonly string[],
  { entries, leftOut }: TocSelection,
  context: RunContext,
): Promise<void> {
  const jobs = Math.min(MOST_JOBS, availableParallelism());
  const mode = options.mode === 'parallel' ? [`--jobs=${jobs}`] : ['--single-transaction'];
  let done = 0;
  await withProgramEnvironment(options.connection, undefined, async (env) => {
    const args = [
      `--dbname=${conninfo(options.connection.database)}`,
      ...selection,
      ...mode,
      '--exit-on-error',
      '--no-acl',
      '--verbose',
      options.file,
    ];
    await runProgram(options.pgRestore, args, {
      env: { ...env, PGAPPNAME: profiles.restore.applicationName },
      signal: context.signal,
      doing: `Restoring into database "${options.database}"`,
      onErrorLine: (line) => {
        if (!/^pg_restore: (creating|processing data for|launching item)/.test(line)) return;
        done = Math.min(entries, done + 1);
        context.report({ kind: 'progress', step: 'restore.load', done, total: entries, unit: 'items' });
      },
    }).catch((error) => {
      throw loadFailure(error, options.database, leftOut);
    });
  });
}

/** What pg_restore --verbose tells of its progress. */
const PROGRESS =
  /^pg_restore: (connecting|creating|processing|launching|finished|executing|entering|implied|dropping|while|disabling|enabling|setting|skipping)/;

/** What pg_restore's failure means: no space, something it needs was left out, or as it says. */
function loadFailure(error: unknown, database: string, leftOut: readonly string[]): unknown {
  if (!(error instanceof StructdbError) || error.code !== 'PROGRAM_FAILED') return error;
  // The first complaint is the cause; the lines of --verbose tell only how far it came.
  const details = error.details.filter((line) => !PROGRESS.test(line));
  const cause = details.find((line) => /error:/.test(line))?.replace(/^pg_restore: (from TOC entry.*)?/, '');
  const message = cause ? `Restoring into database "${database}" failed: pg_restore: ${cause}.` : error.message;
  const everything = [message, ...details].join('\n');
  if (/No space left on device|disk full/i.test(everything)) {
    return new StructdbError('DISK_FULL', `The server's disk is full: ${message}`, {
      cause: error,
      details,
      hint: 'Nothing of the restore was kept. Free space on the server and run it again.',
    });
  }
  if (/server closed the connection|terminating connection|connection to server /.test(everything)) {
    return new StructdbError('CONNECTION_LOST', `${message} The server went away.`, {
      cause: error,
      details,
      hint: "Check the server's log, then run the command again.",
    });
  }
  if (leftOut.length === 0) return new StructdbError('PROGRAM_FAILED', message, { cause: error, details });
  return new StructdbError('TARGET_UNSUITABLE', `${message} This server lacks something that the dump needs.`, {
    cause: error,
    details: [...leftOut, ...details],
    hint: 'The first lines say what was left out: provide it, or restore as a superuser.',
  });
}

/** As a connection string, because a bare name with `=` in it would be read as one. */
function conninfo(database: string): string {
  return `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** The script that grants the dump's privileges, one statement a line. */
export async function privilegeScript(
  pgRestore: Program,
  file: string,
  list: string,
  context: RunContext,
): Promise<string> {
  return withListFile(file, list, async (listFile) => {
    const { stdout } = await runProgram(pgRestore, ['--file=-', `--use-list=${listFile}`, file], {
      env: baseProgramEnvironment,
      signal: context.signal,
      doing: "Reading the dump's privileges",
    });
    return stdout;
  });
}

/** A list for pg_restore -L beside the dump: its folder is private, and swept after a kill. */
async function withListFile<T>(dump: string, list: string, work: (file: string) => Promise<T>): Promise<T> {
  const file = path.join(path.dirname(dump), 'toc.list');
  await writeFile(file, list, { mode: 0o600 });
  try {
    return await work(file);
  } finally {
    await rm(file, { force: true });
  }
}
