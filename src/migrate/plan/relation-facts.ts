import type pg from 'pg';
import { writeName } from '../relation-name.ts';
import type { TakenLock } from './statement-locks.ts';

/** A table as PostgreSQL's own records describe it. */
export interface RelationFact {
  /** With its schema, quoted where it must be. */
  readonly relation: string;
  readonly rows: number | null;
  readonly sizeBytes: number | null;
}

/** The tables that a lock is on: none where nothing is referred to, undefined where that is not known. */
export type RelationFacts = (lock: TakenLock) => readonly RelationFact[] | undefined;
export type RelationLookup = (locks: readonly TakenLock[]) => Promise<RelationFacts>;

interface Row {
  readonly wish: number;
  readonly relation: string;
  readonly rows: string | null;
  readonly size: string | null;
}

/**
 * Rows and sizes from pg_class and the statistics, in one query however many tables there are. Sizes are pages as of the
 * last VACUUM or ANALYZE: pg_relation_size would lock the table, and wait behind whoever has it alone.
 */
export function relationLookup(client: pg.Client): RelationLookup {
  return async (locks) => {
    const { rows } = await client.query<Row>(LOOKUP, [
      locks.map(({ relation }) => writeName(relation)),
      locks.map(({ on }) => on),
      locks.map(({ constraint }) => constraint ?? null),
    ]);
    const found = new Map<TakenLock, RelationFact[]>(locks.map((lock) => [lock, []]));
    for (const { wish, relation, rows: count, size } of rows) {
      const sizeBytes = size === null ? null : Number(size);
      found.get(locks[wish - 1]!)!.push({ relation, rows: count === null ? null : Number(count), sizeBytes });
    }
    return (lock) => {
      const tables = found.get(lock) ?? [];
      const missing = { relation: writeName(lock.relation), rows: null, sizeBytes: null };
      if (tables.length > 0 || lock.on === 'referenced tables') return tables;
      return lock.on === 'itself' ? [missing] : undefined;
    };
  };
}

const LOOKUP = `
with wish as (
  select position::int, to_regclass(name)::oid as named, what, constraint_name
  from unnest($1::text[], $2::text[], $3::text[]) with ordinality as w (name, what, constraint_name, position)
), target as (
  select position, named as oid from wish where what = 'itself'
  union
  select position, i.indrelid from wish join pg_catalog.pg_index i on i.indexrelid = named where what = 'table of index'
  union
  select position, c.confrelid from wish join pg_catalog.pg_constraint c on c.conrelid = named
  where what = 'referenced tables' and c.contype = 'f' and c.confrelid <> c.conrelid
    and (constraint_name is null or c.conname = constraint_name)
)
select t.position as wish, format('%I.%I', n.nspname, c.relname) as relation,
  -- A partitioned table has rows in its partitions only.
  case when c.reltuples >= 0 then c.reltuples::bigint
       else nullif(pg_catalog.pg_stat_get_live_tuples(c.oid), 0) end as rows,
  case when c.reltuples >= 0 then (
    c.relpages
    + coalesce((select sum(x.relpages) from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
        where i.indrelid in (c.oid, c.reltoastrelid)), 0)
    + coalesce((select toast.relpages from pg_catalog.pg_class toast where toast.oid = c.reltoastrelid), 0)
  ) * current_setting('block_size')::bigint end as size
from target t
join pg_catalog.pg_class c on c.oid = t.oid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
order by t.position, relation`;
