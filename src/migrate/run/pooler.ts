import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { type ConnectionSettings, describeConnection } from '../../config/connection.ts';
import { StructdbError } from '../../core/errors.ts';
import { connect } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';

const ROUNDS = 3;
/** A pooler in session mode whose sessions are all taken lets a second connection wait. */
const PATIENCE_MS = 2000;

/**
 * Refuses a pooler that gives each transaction another session (PgBouncer's pool_mode transaction and statement): the
 * lock of a run would stay behind in a session of somebody else.
 *
 * A pooler gives out process numbers of its own for cancel requests, which the server's backend does not have; only then
 * is it worth a look at its mode. There, a second connection shows it: it gets the session that the first one still has,
 * or the first gets another one than before.
 * @throws POOLED_CONNECTION
 */
export async function refuseTransactionPooling(
  client: pg.Client,
  connection: ConnectionSettings,
  lockTimeoutMs: number,
): Promise<void> {
  const own = await backendOf(client);
  if (own === (client as unknown as { readonly processID: number }).processID) return;
  if (await sharesSessions(client, connection, own)) throw pooled(connection);
  await setLimits(client, lockTimeoutMs);
}

/** A pooler may be told to ignore the options of a connection (ignore_startup_parameters): the limits are set again. */
async function setLimits(client: pg.Client, lockTimeoutMs: number): Promise<void> {
  const { statementTimeoutMs, idleInTransactionTimeoutMs } = profiles.migrate;
  await client.query(`set statement_timeout = ${statementTimeoutMs}`);
  await client.query(`set lock_timeout = ${lockTimeoutMs}`);
  await client.query(`set idle_in_transaction_session_timeout = ${idleInTransactionTimeoutMs}`);
}

async function sharesSessions(client: pg.Client, connection: ConnectionSettings, own: number): Promise<boolean> {
  let second: pg.Client | undefined;
  const look = async (): Promise<boolean> => {
    second = await connect(connection, profiles.probe);
    for (let round = 0; round < ROUNDS; round += 1) {
      // In its transaction it keeps what it got, so that the first must get another.
      await second.query('begin');
      if ((await backendOf(second)) === own || (await backendOf(client)) !== own) return true;
      await second.query('commit');
    }
    return false;
  };
  const looking = look().catch(isStatementPooling);
  const over = new AbortController();
  const outOfPatience = sleep(PATIENCE_MS, false, { signal: over.signal }).catch(() => false);
  try {
    return await Promise.race([looking, outOfPatience]);
  } finally {
    over.abort();
    // Not `await`: a pooler that lets it wait does not answer its good-bye either.
    void looking.finally(() => second?.end().catch(() => {}));
  }
}

/** pool_mode statement refuses every BEGIN; what else went wrong is no proof of a pooler's mode. */
function isStatementPooling(error: unknown): boolean {
  return /transaction blocks not allowed/i.test(String(error));
}

async function backendOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]!.pid;
}

function pooled(connection: ConnectionSettings): StructdbError {
  return new StructdbError(
    'POOLED_CONNECTION',
    `${describeConnection(connection)} is a pooler in transaction mode: a migration run needs one session from its begin to its end.`,
    { hint: 'Give the address of the server itself (--url), or of a pool with pool_mode = session.' },
  );
}
