import type pg from 'pg';
import type { CountedRelation } from './row-count.ts';

/**
 * The tables whose rows go with those of the given ones through their foreign keys: by TRUNCATE … CASCADE all that refer
 * to them, by DELETE those that say ON DELETE CASCADE; and so on from those.
 */
export async function emptiedAlong(
  client: pg.Client,
  tables: readonly number[],
  by: 'truncate' | 'delete',
): Promise<CountedRelation[]> {
  const { rows } = await client.query<CountedRelation>(
    `with recursive emptied as (
       select unnest($1::oid[]) as oid
       union
       select k.conrelid from emptied e join pg_catalog.pg_constraint k on k.confrelid = e.oid
        where k.contype = 'f' and k.conparentid = 0 and ($2 or k.confdeltype = 'c')
     )
     select c.oid, n.nspname as schema, c.relname as name
       from emptied e join pg_catalog.pg_class c on c.oid = e.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.oid <> all($1::oid[]) order by 2, 3`,
    [tables, by === 'truncate'],
  );
  return rows;
}
