import type pg from 'pg';
import { type ConnectionSettings, describeConnection } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { messageOf, StructdbError } from '../core/errors.ts';
import { asStep } from '../core/progress.ts';
import { formatBytes, formatCount } from '../core/units.ts';
import { fingerprintTables, requireReadable } from '../database/fingerprint.ts';
import { takeInventory } from '../database/inventory.ts';
import { withClient } from '../postgres/connect.ts';
import { translateDatabaseError } from '../postgres/errors.ts';
import { profiles } from '../postgres/profiles.ts';
import { withProgramEnvironment } from '../programs/credentials.ts';
import { findProgram, type Program, type SearchPlaces } from '../programs/find.ts';
import type { DumpManifest, ManifestPart } from '../repository/manifest.ts';
import { storedName } from '../repository/parts.ts';
import type { Repository } from '../repository/repository.ts';
import { readPosition, type Source } from './source.ts';
import { storeFolder } from './stored-folder.ts';
import { storeOutput } from './stored-program.ts';

/** Names of a dump's parts: whoever has only the directory finds them by these. */
export const DUMP_PART = 'dump.pgdump';
/** The folder of a dump in directory format, and its table of contents: `pg_restore --jobs` takes the folder as it is. */
export const DUMP_FOLDER = 'dump';
export const DUMP_TOC = `${DUMP_FOLDER}/toc.dat`;
export const GLOBALS_PART = 'globals.sql';

export interface DumpPrograms {
  readonly pgDump: Program;
  readonly pgDumpall: Program;
  readonly pgRestore: Program;
}

/** pg_dump, pg_dumpall and pg_restore, not older than the server. @throws PROGRAM_TOO_OLD, PROGRAM_MISSING */
export async function findDumpPrograms(places: SearchPlaces, serverMajor: number): Promise<DumpPrograms> {
  const wish = { atLeast: serverMajor };
  // One after the other, so that an error names pg_dump first.
  const pgDump = await findProgram('pg_dump', places, wish);
  const pgDumpall = await findProgram('pg_dumpall', places, wish);
  const pgRestore = await findProgram('pg_restore', places, wish);
  return { pgDump, pgDumpall, pgRestore };
}

/** The part of the manifest that only the dump itself knows. */
export type Dumped = Pick<
  DumpManifest,
  | 'startedAt'
  | 'stoppedAt'
  | 'startLsn'
  | 'stopLsn'
  | 'parts'
  | 'globals'
  | 'tables'
  | 'database'
  | 'extensions'
  | 'sequences'
  | 'structure'
>;

export interface DumpOptions {
  readonly connection: ConnectionSettings;
  readonly programs: DumpPrograms;
  readonly source: Source;
  readonly repository: Repository;
  readonly label: string;
  /** Connections that copy at the same time: more than one makes a dump in directory format. */
  readonly jobs: number;
  readonly format: DumpFormat;
}

/** `custom`: one object, streamed. `directory`: one object per table, copied by several connections. */
export type DumpFormat = 'custom' | 'directory';

/**
 * Dumps one database, with the roles beside it. One session exports a snapshot and keeps it; pg_dump copies under it
 * while the same session counts and hashes the tables in it, so that both saw the same rows whatever is written meanwhile.
 */
export async function dumpDatabase(options: DumpOptions, context: RunContext): Promise<Dumped> {
  const { connection } = options;
  return withProgramEnvironment(connection, undefined, async (env) => {
    const failure = new AbortController();
    const linked = { ...context, signal: AbortSignal.any([context.signal, failure.signal]) };
    const failures: unknown[] = [];
    // The first failure ends the other's work; it is the one that is told.
    const ending = (error: unknown): never => {
      failures.push(error);
      failure.abort();
      throw error;
    };
    try {
      return await withClient(connection, profiles.backup, linked, async (client) => {
        const snapshot = await exportSnapshot(client, connection.database);
        const begin = await readPosition(client);
        const [dumped, { tables, inventory }] = await both(
          dumpUnderSnapshot(options, snapshot, env, linked).catch(ending),
          examine(client, linked).catch(ending),
        );
        const globals = await dumpGlobals(options, env, linked);
        const end = await readPosition(client);
        await client.query('commit');
        return {
          startedAt: begin.at,
          stoppedAt: end.at,
          startLsn: begin.lsn,
          stopLsn: end.lsn,
          parts: globals.part ? [...dumped, globals.part] : dumped,
          globals: globals.note,
          tables,
          database: inventory.database,
          extensions: [...inventory.extensions],
          sequences: [...inventory.sequences],
          structure: inventory.structure,
        };
      });
    } catch (error) {
      throw context.signal.aborted ? error : translateDatabaseError(failures[0] ?? error, connection);
    }
  });
}

/** Waits for both, whatever happens: nothing may still run when the caller cleans up. */
async function both<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([one, other]);
  if (first.status === 'rejected') throw first.reason;
  if (second.status === 'rejected') throw second.reason;
  return [first.value, second.value];
}

async function exportSnapshot(client: pg.ClientBase, database: string): Promise<string> {
  // The database's own limit of a transaction (17 and newer) would end the snapshot under pg_dump.
  await client.query(
    `select set_config(name, '0', false) from pg_catalog.pg_settings where name in ('transaction_timeout', 'idle_session_timeout')`,
  );
  await client.query('begin isolation level repeatable read read only');
  await requireReadable(client, database);
  const { rows } = await client.query<{ snapshot: string }>('select pg_catalog.pg_export_snapshot() as snapshot');
  return rows[0]!.snapshot;
}

async function dumpUnderSnapshot(
  options: DumpOptions,
  snapshot: string,
  env: Readonly<Record<string, string>>,
  context: RunContext,
): Promise<ManifestPart[]> {
  const { connection, programs, repository, label, format, jobs } = options;
  const step = 'backup.dump';
  const doing = `Dumping database "${connection.database}"`;
  // The database is named by PGDATABASE: as an argument, a name with "=" in it would be read as a connection string.
  const args = [`--format=${format}`, `--snapshot=${snapshot}`, '--lock-wait-timeout=30s', '--no-password'];
  const run = { program: programs.pgDump, env, doing, step };
  return asStep(
    context,
    step,
    `${doing} from ${describeConnection(connection)}`,
    async () =>
      format === 'custom'
        ? [await storeOutput({ ...run, args }, repository, label, DUMP_PART, context)]
        : storeFolder({ ...run, args: [...args, `--jobs=${jobs}`] }, repository, label, DUMP_FOLDER, context),
    (parts) =>
      `Dumped "${connection.database}" (${formatBytes(parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))})`,
  );
}

/** What pg_dump does not tell of what it copies: counts, hashes, structure. */
async function examine(client: pg.ClientBase, context: RunContext) {
  const step = 'backup.fingerprint';
  const report = (done: number, total: number) =>
    context.report({ kind: 'progress', step, done, total, unit: 'items' });
  return asStep(
    context,
    step,
    'Counting and hashing rows in the same snapshot',
    async () => ({ tables: await fingerprintTables(client, report), inventory: await takeInventory(client) }),
    ({ tables }) =>
      `Hashed ${formatCount(tables.reduce((sum, table) => sum + table.rows, 0))} rows of ${tables.length} tables`,
  );
}

interface Globals {
  readonly part?: ManifestPart;
  readonly note: DumpManifest['globals'];
}

/**
 * Roles, memberships and tablespaces, which no dump of a database holds. A role that may not read pg_authid gets them
 * without passwords; where even that fails, the dump is worth having all the same, and the manifest says why.
 */
async function dumpGlobals(
  options: DumpOptions,
  env: Readonly<Record<string, string>>,
  context: RunContext,
): Promise<Globals> {
  const { connection, programs, repository, label, source } = options;
  const step = 'backup.globals';
  const doing = 'Dumping roles and tablespaces';
  const passwords = source.readsPasswords;
  const database = `dbname='${connection.database.replace(/['\\]/g, '\\$&')}'`;
  const args = ['--globals-only', `--database=${database}`, '--no-password', '--lock-wait-timeout=30s'];
  if (!passwords) args.push('--no-role-passwords');
  try {
    const part = await asStep(context, step, doing, () =>
      storeOutput({ program: programs.pgDumpall, args, env, doing, step }, repository, label, GLOBALS_PART, context),
    );
    const reason = passwords ? null : 'the role that took the backup may not read pg_authid';
    if (reason)
      context.report({
        kind: 'notice',
        message: `The backup's roles have no passwords: the role may not read pg_authid.`,
      });
    return { part, note: { included: true, passwords, reason } };
  } catch (error) {
    if (!(error instanceof StructdbError) || error.code !== 'PROGRAM_FAILED') throw error;
    await repository.store.delete(repository.keys.part(label, storedName(repository, GLOBALS_PART)));
    context.report({
      kind: 'warning',
      message: `The backup has no roles and tablespaces: ${messageOf(error)}`,
      hint: 'Back them up as a superuser: pg_dumpall --globals-only',
    });
    return { note: { included: false, passwords: false, reason: messageOf(error) } };
  }
}
