import type pg from 'pg';
import { messageOf } from '../../core/errors.ts';

interface Exclusion {
  readonly table: string;
  readonly name: string;
  readonly definition: string;
}

/**
 * Evaluates every exclusion constraint again, with an index of its own that is built from the table and rolled back: the
 * restored index may be what is broken. WITHOUT OVERLAPS of PostgreSQL 18 is one by another name.
 */
export async function checkExclusions(
  client: pg.Client,
): Promise<{ readonly count: number; readonly problems: string[] }> {
  const { rows } = await client.query<Exclusion>(
    `select format('%I.%I', n.nspname, c.relname) as table, k.conname as name, pg_get_constraintdef(k.oid) as definition
       from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
      where (k.contype = 'x' or coalesce((to_jsonb(k) ->> 'conperiod')::bool, false)) and c.relkind = 'r' order by 1, 2`,
  );
  const problems: string[] = [];
  for (const { table, name, definition } of rows) {
    const again = definition.replace(/^PRIMARY KEY/, 'UNIQUE').replace(/ NOT VALID$/, '');
    await client.query('begin read write');
    await client
      .query(`alter table ${table} add constraint structdb_drill_again ${again}`)
      .catch((error: unknown) => problems.push(`constraint ${name} on ${table}: ${messageOf(error)}`));
    await client.query('rollback');
  }
  return { count: rows.length, problems };
}
