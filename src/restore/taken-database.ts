import type pg from 'pg';
import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { messageOf } from '../core/errors.ts';
import { quoteIdentifier, quoteLiteral } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { findExtensions, findUserObjects } from './contents.ts';
import { emptyAgain } from './empty.ts';
import { hold } from './lock.ts';
import { notEmpty, type Target, UNFINISHED } from './target.ts';

/** Fills an empty database in place, marked as unfinished by its comment, and empties it again when that fails. */
export async function withTakenDatabase<T>(
  target: Target,
  label: string,
  context: RunContext,
  work: (connection: ConnectionSettings) => Promise<T>,
): Promise<T> {
  const { connection } = target;
  const { database } = connection;
  const holder = await hold(connection, database);
  try {
    await endOrphans(holder);
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
  await endOrphans(client);
  await emptyAgain(client, extensionsBefore);
  await setFormerComment();
}

/**
 * Ends the sessions of a pg_restore that was stopped, or whose structdb was killed, and that may still be at work on the
 * server: who holds the lock knows that no other restore is meant to be there.
 */
async function endOrphans(client: pg.Client): Promise<void> {
  await client.query(
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity
      where datname = current_database() and usename = current_user and pid <> pg_backend_pid() and application_name = $1`,
    [profiles.restore.applicationName],
  );
}
