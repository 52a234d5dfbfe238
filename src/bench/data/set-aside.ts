import type pg from 'pg';
import { codeOf } from '../../core/errors.ts';
import { quoteIdentifier } from '../../postgres/connect.ts';

/** A statement of a table that makes again what was there. */
export interface Remake {
  readonly table: string;
  readonly statements: readonly string[];
}

/** What slows a load down, taken off some tables; each can be made again exactly as it was. */
export interface SetAside {
  /** Primary keys, unique and exclusion constraints. */
  readonly keys: readonly Remake[];
  readonly indexes: readonly Remake[];
  /** From these tables and to them; they need the keys. */
  readonly foreignKeys: readonly Remake[];
}

interface Found {
  readonly kind: 'key' | 'index' | 'foreign key';
  readonly table: string;
  readonly drop: string;
  readonly make: string;
  readonly comment: string | null;
}

/**
 * Drops the keys, foreign keys and indexes of the tables: for a database that is being filled and that nobody else uses.
 * Check constraints stay, a load has to be checked anyway. What something else depends on stays too (a view that groups
 * by a primary key), and so do indexes that CLUSTER or REPLICA IDENTITY name. `tables` with their schema.
 */
export async function setAside(client: pg.ClientBase, tables: readonly string[]): Promise<SetAside> {
  const taken: Found[] = [];
  await client.query('begin');
  // All names are written with their schema.
  await client.query('set local search_path = pg_catalog');
  const { rows } = await client.query<Found>(FIND, [tables]);
  for (const found of rows) {
    await client.query('savepoint one');
    try {
      await client.query(found.drop);
      taken.push(found);
    } catch (error) {
      // dependent_objects_still_exist
      if (codeOf(error) !== '2BP01') throw error;
      await client.query('rollback to savepoint one');
    }
  }
  await client.query('commit');
  const made = (kind: Found['kind']) =>
    taken
      .filter((found) => found.kind === kind)
      .map(({ table, make, comment }) => ({ table, statements: comment === null ? [make] : [make, comment] }));
  return { keys: made('key'), indexes: made('index'), foreignKeys: made('foreign key') };
}

/** Statements that put the triggers of a table back into their states, after `alter table … disable trigger user`. */
export interface TriggerStates {
  /** Constraint triggers, which only check, row by row. */
  readonly checks: readonly string[];
  /** The others, which may fill other columns or tables. */
  readonly works: readonly string[];
}

export async function triggerStates(client: pg.ClientBase, table: string): Promise<TriggerStates> {
  const { rows } = await client.query<{ name: string; state: 'O' | 'A' | 'R' | 'D'; checks: boolean }>(
    `select tgname::text as name, tgenabled::text as state, tgconstraint <> 0 as checks from pg_catalog.pg_trigger
      where tgrelid = $1::regclass and not tgisinternal`,
    [table],
  );
  const words = { O: 'enable', A: 'enable always', R: 'enable replica', D: 'disable' };
  const statements = (wanted: boolean) =>
    rows
      .filter(({ checks }) => checks === wanted)
      .map(({ name, state }) => `alter table ${table} ${words[state]} trigger ${quoteIdentifier(name)}`);
  return { checks: statements(true), works: statements(false) };
}

/** Foreign keys first, since keys cannot go before them; the definitions as PostgreSQL itself writes them. */
const FIND = `
  with wanted as (select unnest($1::regclass[]) as oid)
  select case c.contype when 'f' then 'foreign key' else 'key' end as kind,
         c.conrelid::regclass::text as "table",
         format('alter table %s drop constraint %I', c.conrelid::regclass, c.conname) as drop,
         format('alter table %s add constraint %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) as make,
         'comment on constraint ' || format('%I on %s is ', c.conname, c.conrelid::regclass)
           || quote_literal(obj_description(c.oid, 'pg_constraint')) as comment
    from pg_catalog.pg_constraint c left join pg_catalog.pg_index i on i.indexrelid = c.conindid and c.contype <> 'f'
   where c.contype in ('p', 'u', 'x', 'f') and c.conparentid = 0
     and (c.conrelid in (select oid from wanted) or c.contype = 'f' and c.confrelid in (select oid from wanted))
     and i.indisclustered is not true and i.indisreplident is not true
  union all
  select 'index', i.indrelid::regclass::text, format('drop index %s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid),
         format('comment on index %s is ', i.indexrelid::regclass) || quote_literal(obj_description(i.indexrelid, 'pg_class'))
    from pg_catalog.pg_index i
   where i.indrelid in (select oid from wanted) and i.indisvalid and not i.indisclustered and not i.indisreplident
     and not exists (select from pg_catalog.pg_constraint c where c.conindid = i.indexrelid and c.contype <> 'f')
  order by 1, 2, 3`;
