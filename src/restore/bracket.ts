import { createHash } from 'node:crypto';
import type pg from 'pg';
import { type ConnectionSettings, withDatabase } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { codeOf, StructdbError } from '../core/errors.ts';
import { connect, quoteIdentifier, quoteLiteral, withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import type { DatabaseBelongings } from '../repository/manifest.ts';
import { findExtensions, findUserObjects } from './contents.ts';
import { emptyAgain } from './empty.ts';
import { notEmpty, type Target } from './target.ts';

/** Any number that is structdb's own: the advisory lock that a restore holds in the database it fills. */
const RESTORE_LOCK = 7_302_115_900_118;

/** Cleaning up goes on when the user asked to stop. */
const untilDone = Object.freeze({ signal: new AbortController().signal });

/** Runs `work` on the database to fill, and makes it the real one only when that succeeded. */
export async function withTargetDatabase<T>(
  target: Target,
  label: string,
  belongings: DatabaseBelongings,
  context: RunContext,
  work: (connection: ConnectionSettings) => Promise<T>,
): Promise<T> {
  return target.state.kind === 'create'
    ? withNewDatabase(target, belongings, context, work)
    : withTakenDatabase(target, label, work);
}

/**
 * Fills a database under a name that nobody uses, and renames it at the end: a killed restore can never be mistaken for
 * a whole one. What a killed one left is found by its name and made anew.
 */
async function withNewDatabase<T>(
  target: Target,
  belongings: DatabaseBelongings,
  context: RunContext,
  work: (connection: ConnectionSettings) => Promise<T>,
): Promise<T> {
  const { database } = target.connection;
  const partial = partialName(database);
  await removeLeftover(target, partial, context);
  await create(target, partial, belongings, context);
  const connection = withDatabase(target.connection, partial);
  try {
    const holder = await hold(connection, database);
    try {
      return await work(connection).then(async (result) => {
        await holder.end();
        await rename(target, partial, context);
        return result;
      });
    } finally {
      await holder.end().catch(() => {});
    }
  } catch (error) {
    const locked = error instanceof StructdbError && error.code === 'LOCKED';
    if (!locked) await drop(target, partial);
    throw error;
  }
}

/** The name that a database has while it is being restored: one per target, within PostgreSQL's 63 bytes. */
export function partialName(database: string): string {
  return `structdb_restoring_${createHash('sha256').update(database).digest('hex').slice(0, 16)}`;
}

async function removeLeftover(target: Target, partial: string, context: RunContext): Promise<void> {
  const exists = await withClient(target.maintenance, profiles.restore, context, async (client) => {
    const { rows } = await client.query('select 1 from pg_database where datname = $1', [partial]);
    return rows.length > 0;
  });
  if (!exists) return;
  const holder = await hold(withDatabase(target.connection, partial), target.connection.database);
  await holder.end();
  context.report({ kind: 'notice', message: `Removing what an interrupted restore left (database "${partial}").` });
  await drop(target, partial);
}

/** Takes the lock of the restore in the database it fills. @throws LOCKED naming who holds it, since when */
async function hold(connection: ConnectionSettings, database: string): Promise<pg.Client> {
  const client = await connect(connection, profiles.restore);
  const { rows } = await client.query<{ won: boolean }>('select pg_try_advisory_lock($1) as won', [RESTORE_LOCK]);
  if (rows[0]!.won) return client;
  const { rows: holders } = await client.query<{ who: string }>(
    `select format('%s (process %s, since %s)', a.usename, a.pid, to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS UTC')) as who
       from pg_locks l join pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'advisory' and l.granted and (l.classid::bigint << 32 | l.objid::bigint) = $1
        and l.database = (select oid from pg_database where datname = current_database())`,
    [RESTORE_LOCK],
  );
  await client.end().catch(() => {});
  throw lockedBy(database, holders[0]?.who);
}

function lockedBy(database: string, who: string | undefined): StructdbError {
  return new StructdbError(
    'LOCKED',
    `Another restore into database "${database}" is at work${who ? `: ${who}` : ''}.`,
    { hint: 'Wait for it, or restore into another name.' },
  );
}

async function create(
  target: Target,
  partial: string,
  belongings: DatabaseBelongings,
  context: RunContext,
): Promise<void> {
  const base = `create database ${quoteIdentifier(partial)} template template0 encoding ${quoteLiteral(belongings.encoding)}`;
  await withClient(target.maintenance, profiles.restore, context, async (client) => {
    try {
      await client.query(base + localeClauses(belongings));
    } catch (error) {
      if (codeOf(error) === '42P04') throw lockedBy(target.connection.database, undefined);
      // The locale of the source is not installed here: its rows are right all the same, only their order may differ.
      if (!['22023', '42809', '42704', '0A000'].includes(codeOf(error) ?? '')) throw error;
      context.report({
        kind: 'warning',
        message: `The server does not have the locale ${belongings.locale ?? belongings.collate} of the backup: its own is used, texts may sort differently.`,
      });
      await client.query(base);
    }
  });
}

function localeClauses({ localeProvider, collate, ctype, locale, icuRules }: DatabaseBelongings): string {
  const clauses = ` locale_provider ${localeProvider} lc_collate ${quoteLiteral(collate)} lc_ctype ${quoteLiteral(ctype)}`;
  if (locale === null || localeProvider === 'libc') return clauses;
  const own = `${clauses} ${localeProvider === 'icu' ? 'icu_locale' : 'builtin_locale'} ${quoteLiteral(locale)}`;
  return icuRules === null ? own : `${own} icu_rules ${quoteLiteral(icuRules)}`;
}

async function rename(target: Target, partial: string, context: RunContext): Promise<void> {
  const { database } = target.connection;
  await withClient(target.maintenance, profiles.restore, context, async (client) => {
    try {
      await client.query(`alter database ${quoteIdentifier(partial)} rename to ${quoteIdentifier(database)}`);
    } catch (error) {
      if (codeOf(error) === '42P04') throw notEmpty(database, ['somebody made it in the meantime']);
      throw error;
    }
  });
}

async function drop(target: Target, partial: string): Promise<void> {
  await withClient(target.maintenance, profiles.restore, untilDone, (client) =>
    client.query(`drop database if exists ${quoteIdentifier(partial)} with (force)`),
  );
}

/** Fills an empty database in place, marked as unfinished by its comment, and empties it again when that fails. */
async function withTakenDatabase<T>(
  target: Target,
  label: string,
  work: (connection: ConnectionSettings) => Promise<T>,
): Promise<T> {
  const { connection } = target;
  const comment = (text: string | null) =>
    `comment on database ${quoteIdentifier(connection.database)} is ${text === null ? 'null' : quoteLiteral(text)}`;
  const holder = await hold(connection, connection.database);
  try {
    const objects = await findUserObjects(holder);
    if (objects.length > 0)
      throw notEmpty(
        connection.database,
        objects.map(({ type, identity }) => `${type} ${identity}`),
      );
    const extensions = new Set((await findExtensions(holder)).keys());
    const { rows } = await holder.query<{ comment: string | null }>(
      `select shobj_description(oid, 'pg_database') as comment from pg_database where datname = current_database()`,
    );
    const former = rows[0]!.comment;
    await holder.query(comment(`structdb: unfinished restore of ${label}`));
    try {
      const result = await work(connection);
      const after = await holder.query<{ comment: string | null }>(
        `select shobj_description(oid, 'pg_database') as comment from pg_database where datname = current_database()`,
      );
      if (after.rows[0]!.comment?.startsWith('structdb: unfinished restore')) await holder.query(comment(former));
      return result;
    } catch (error) {
      await holder.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and usename = current_user and pid <> pg_backend_pid() and application_name = $1`,
        [profiles.restore.applicationName],
      );
      await emptyAgain(holder, extensions);
      await holder.query(comment(former));
      throw error;
    }
  } finally {
    await holder.end().catch(() => {});
  }
}
