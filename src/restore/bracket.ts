import { createHash } from 'node:crypto';
import type pg from 'pg';
import { type ConnectionSettings, withDatabase } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { codeOf, messageOf, StructdbError } from '../core/errors.ts';
import { connect, quoteIdentifier, quoteLiteral, withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import type { DatabaseBelongings } from '../repository/manifest.ts';
import { findExtensions, findUserObjects } from './contents.ts';
import { emptyAgain } from './empty.ts';
import { notEmpty, type Target, UNFINISHED } from './target.ts';

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
    : withTakenDatabase(target, label, context, work);
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
  const holder = await hold(target.maintenance, database);
  try {
    await removeLeftover(target, partial, context);
    await create(target, partial, belongings, context);
    try {
      const result = await workHolding(withDatabase(target.connection, partial), database, work);
      await rename(target, partial, context);
      return result;
    } catch (error) {
      await drop(target, partial).catch((failure) =>
        context.report({
          kind: 'warning',
          message: `Database "${partial}", which holds an unfinished restore, could not be dropped: ${messageOf(failure)}`,
          hint: 'The next restore into the same name drops it.',
        }),
      );
      throw error;
    }
  } finally {
    await holder.end().catch(() => {});
  }
}

/** Holds the lock in the partial database too: who looks at it from another database than this run must not drop it. */
async function workHolding<T>(
  connection: ConnectionSettings,
  database: string,
  work: (connection: ConnectionSettings) => Promise<T>,
): Promise<T> {
  const holder = await hold(connection, database);
  try {
    return await work(connection);
  } finally {
    await holder.end().catch(() => {});
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

/**
 * Takes the lock of the restore into `database`, in the database that `connection` leads to: held as long as the client is
 * open, given back by the server when this process dies. @throws LOCKED naming who holds it, since when
 */
async function hold(connection: ConnectionSettings, database: string): Promise<pg.Client> {
  const key = lockKey(database);
  const client = await connect(connection, profiles.restore);
  const { rows } = await client.query<{ won: boolean }>('select pg_try_advisory_lock($1) as won', [key]);
  if (rows[0]!.won) return client;
  const { rows: holders } = await client.query<{ who: string }>(
    `select format('%s (process %s, since %s)', a.usename, a.pid, to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS UTC')) as who
       from pg_locks l join pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'advisory' and l.granted and (l.classid::bigint << 32 | l.objid::bigint) = $1
        and l.database = (select oid from pg_database where datname = current_database())`,
    [key],
  );
  await client.end().catch(() => {});
  throw lockedBy(database, holders[0]?.who);
}

/** A positive 63-bit number of structdb's own for each name. */
function lockKey(database: string): string {
  const digest = createHash('sha256').update(`structdb restore ${database}`).digest();
  return (digest.readBigUInt64BE() >> 1n).toString();
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
      if (codeOf(error) !== '42P04') throw error;
      throw new StructdbError('TARGET_NOT_EMPTY', `Somebody created database "${database}" during the restore.`, {
        hint: 'Name a database that does not exist yet; nothing of this restore was kept.',
      });
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
  context: RunContext,
  work: (connection: ConnectionSettings) => Promise<T>,
): Promise<T> {
  const { connection } = target;
  const { database } = connection;
  const holder = await hold(connection, database);
  try {
    const found = await commentOf(holder);
    const objects = await findUserObjects(holder);
    const unfinished = target.state.kind === 'unfinished' && found === UNFINISHED + label;
    if (objects.length > 0 && !unfinished) throw notEmpty(database, objects, found);
    const extensions = new Set((await findExtensions(holder)).keys());
    // What a killed restore left is no comment of anybody's.
    const former = found?.startsWith(UNFINISHED) ? null : found;
    await setComment(holder, database, UNFINISHED + label);
    try {
      const result = await work(connection);
      if ((await commentOf(holder)) === UNFINISHED + label) await setComment(holder, database, former);
      return result;
    } catch (error) {
      // What a killed run loaded may have been changed since: nobody can tell, so it stays.
      if (unfinished) throw error;
      await emptyOut(holder, extensions, () => setComment(holder, database, former)).catch((failure) =>
        context.report({
          kind: 'warning',
          message: `Database "${database}" could not be emptied again: ${messageOf(failure)}`,
          hint: 'Its comment says that it is unfinished. Drop it and make it anew.',
        }),
      );
      throw error;
    }
  } finally {
    await holder.end().catch(() => {});
  }
}

async function commentOf(client: pg.Client): Promise<string | null> {
  const { rows } = await client.query<{ comment: string | null }>(
    `select shobj_description(oid, 'pg_database') as comment from pg_database where datname = current_database()`,
  );
  return rows[0]!.comment;
}

async function setComment(client: pg.Client, database: string, text: string | null): Promise<void> {
  const literal = text === null ? 'null' : quoteLiteral(text);
  await client.query(`comment on database ${quoteIdentifier(database)} is ${literal}`);
}

async function emptyOut(
  client: pg.Client,
  extensionsBefore: ReadonlySet<string>,
  setFormerComment: () => Promise<void>,
): Promise<void> {
  // A pg_restore that was stopped may still be at work on the server for a moment.
  await client.query(
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity
      where datname = current_database() and usename = current_user and pid <> pg_backend_pid() and application_name = $1`,
    [profiles.restore.applicationName],
  );
  await emptyAgain(client, extensionsBefore);
  await setFormerComment();
}
