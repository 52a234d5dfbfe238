import type pg from 'pg';
import { codeOf, StructdbError } from '../../core/errors.ts';

/** 'struct' as a number, and the place of catalogs in structdb's own space of advisory locks. */
const LOCK = [0x73747275, 0x0ca7a109] as const;

/**
 * Lets one import at a time through: waits for another one for `waitMs`. Released with the transaction.
 * @throws LOCKED with who holds it and since when
 */
export async function lockCatalogs(client: pg.Client, waitMs: number): Promise<void> {
  await client.query('savepoint before_lock');
  try {
    await client.query(`select set_config('lock_timeout', $1, true)`, [`${waitMs}ms`]);
    await client.query('select pg_advisory_xact_lock($1, $2)', [...LOCK]);
  } catch (error) {
    if (codeOf(error) !== '55P03') throw error;
    await client.query('rollback to savepoint before_lock');
    throw new StructdbError('LOCKED', `Another catalog import is at work: ${await holder(client)}.`, {
      cause: error,
      hint: 'Wait for it to end, then run the command again.',
    });
  }
}

async function holder(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ pid: number; usename: string; since: Date | null }>(
    `select l.pid, a.usename, a.xact_start as since
    from pg_locks l join pg_stat_activity a using (pid)
    where l.locktype = 'advisory' and l.granted and l.classid = $1 and l.objid = $2 and l.objsubid = 2
      and l.database = (select oid from pg_database where datname = current_database())`,
    [...LOCK],
  );
  const row = rows[0];
  return row
    ? `process ${row.pid} of "${row.usename}"${row.since ? `, since ${row.since.toISOString()}` : ''}`
    : 'it has just ended';
}
