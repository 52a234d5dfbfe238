import { createHash } from 'node:crypto';
import { type ConnectionSettings, withDatabase } from '../config/connection.ts';
import { type RunContext, unstoppable } from '../core/context.ts';
import { codeOf, messageOf, StructdbError } from '../core/errors.ts';
import { quoteIdentifier, quoteLiteral, withClient } from '../postgres/connect.ts';
import { dropDatabase } from '../postgres/drop-database.ts';
import { profiles } from '../postgres/profiles.ts';
import type { DatabaseBelongings } from '../repository/manifest.ts';
import { hold, lockedBy } from './lock.ts';
import { withTakenDatabase } from './taken-database.ts';
import type { Target } from './target.ts';

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
  await withClient(target.maintenance, profiles.restore, unstoppable, (client) =>
    dropDatabase(client, partial, { force: true }),
  );
}
