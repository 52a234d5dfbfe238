import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { ConnectionSettings } from '../config/connection.ts';
import { StructdbError } from '../core/errors.ts';
import { connect } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';

/**
 * Takes the lock of the restore into `database`, in the database that `connection` leads to: held as long as the client is
 * open, given back by the server when this process dies. @throws LOCKED naming who holds it, since when
 */
export async function hold(connection: ConnectionSettings, database: string): Promise<pg.Client> {
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

/** @param who role, process and since when, where that is known */
export function lockedBy(database: string, who: string | undefined): StructdbError {
  return new StructdbError(
    'LOCKED',
    `Another restore into database "${database}" is at work${who ? `: ${who}` : ''}.`,
    { hint: 'Wait for it, or restore into another name.' },
  );
}
