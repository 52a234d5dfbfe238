import type pg from 'pg';
import { codeOf, StructdbError } from '../../core/errors.ts';
import { queryTogether } from '../../postgres/together.ts';
import { CONSTANTS, PRICES } from './version-tables.ts';

/** 'struct' as a number, and the place of catalogs in structdb's own space of advisory locks. */
const LOCK = [0x73747275, 0x0ca7a109] as const;

/**
 * Begins a transaction that lets one import at a time through: waits for another one for `waitMs`, and as long for anything
 * else that somebody holds. @throws LOCKED with who is at work and since when; the transaction is then rolled back
 */
export async function beginLocked(client: pg.Client, waitMs: number): Promise<void> {
  try {
    await queryTogether(client, [
      { text: 'begin' },
      { text: `select set_config('lock_timeout', $1, true)`, values: [`${waitMs}ms`] },
      { text: 'select pg_advisory_xact_lock($1, $2)', values: LOCK },
    ]);
  } catch (error) {
    if (codeOf(error) !== '55P03') throw error;
    await client.query('rollback');
    throw new StructdbError('LOCKED', `Another catalog import is at work: ${await holder(client)}.`, {
      cause: error,
      hint: 'Wait for it to end, then run the command again.',
    });
  }
}

/**
 * Runs a transaction that may have to wait for rows or a table that somebody else changes.
 * @throws LOCKED, once the wait is over, with who it is and since when; the transaction is then rolled back
 */
export async function namingWhoIsWaitedFor<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (codeOf(error) !== '55P03') throw error;
    // Asked before the rollback would be better, but an aborted transaction answers nothing.
    await client.query('rollback');
    throw new StructdbError('LOCKED', `Somebody else changes the catalogs: ${await writer(client)}.`, {
      cause: error,
      hint: 'Wait for that transaction to end, then run the command again.',
    });
  }
}

async function writer(client: pg.Client): Promise<string> {
  const { rows } = await client.query<Holder>(
    `select l.pid, a.usename, a.xact_start as since
    from pg_locks l join pg_stat_activity a using (pid)
    where l.granted and l.mode <> 'AccessShareLock' and l.pid <> pg_backend_pid()
      and l.relation = any (array(select to_regclass(name) from unnest($1::text[]) as t(name)))
    order by a.xact_start limit 1`,
    [['public.material_catalog', 'public.code_references', CONSTANTS.name, PRICES.name]],
  );
  return described(rows[0]);
}

interface Holder {
  readonly pid: number;
  readonly usename: string;
  readonly since: Date | null;
}

async function holder(client: pg.Client): Promise<string> {
  const { rows } = await client.query<Holder>(
    `select l.pid, a.usename, a.xact_start as since
    from pg_locks l join pg_stat_activity a using (pid)
    where l.locktype = 'advisory' and l.granted and l.classid = $1 and l.objid = $2 and l.objsubid = 2
      and l.database = (select oid from pg_database where datname = current_database())`,
    [...LOCK],
  );
  return described(rows[0]);
}

function described(row: Holder | undefined): string {
  return row
    ? `process ${row.pid} of "${row.usename}"${row.since ? `, since ${row.since.toISOString()}` : ''}`
    : 'it has just ended';
}
