import type pg from 'pg';
import type { ObjectAddress } from './live-names.ts';

/** Something that goes with what is dropped, or is dropped itself. */
export interface TakenObject {
  /** A `partition` goes with its table. */
  readonly kind:
    | 'table'
    | 'partition'
    | 'foreign table'
    | 'view'
    | 'materialised view'
    | 'column'
    | 'foreign key'
    | 'object';
  /** Of a relation its own, of a column and a foreign key that of their table; else of the object. */
  readonly oid: number;
  readonly schema: string;
  /** Of the relation. */
  readonly name: string;
  /** The column, the constraint, or the identity of another object; null of a relation. */
  readonly part: string | null;
  /** Of another object, in words: `function`. */
  readonly what: string;
  /** A table that holds its rows in partitions. */
  readonly partitioned: boolean;
  /** A materialised view that was never filled has nothing to count. */
  readonly filled: boolean;
  /** Whether the statement names it. */
  readonly named: boolean;
}

interface Row extends Omit<TakenObject, 'partitioned'> {
  readonly relkind: string;
}

/**
 * What a DROP of the roots takes away, by pg_depend and the rules of PostgreSQL's own DROP: always what belongs to them
 * (partitions, the foreign keys of a table, the members of an extension), with `cascade` also what depends on them. Left
 * out is what nobody would miss beside its table: indexes, constraints, sequences, triggers. Takes no lock.
 */
export async function takenAlong(
  client: pg.Client,
  roots: readonly ObjectAddress[],
  cascade: boolean,
): Promise<TakenObject[]> {
  if (roots.length === 0) return [];
  const { rows } = await client.query<Row>(WALK, [
    roots.map(({ catalog }) => `pg_catalog.${catalog}`),
    roots.map(({ oid }) => oid),
    roots.map(({ part }) => part),
    cascade,
  ]);
  return rows.map(({ relkind, ...row }) => ({ ...row, partitioned: relkind === 'p' }));
}

/**
 * Upwards too: a view's rule, which depends on a table, is a part (`i`) of the view, so the view goes; a partition key
 * of a type that goes takes its table.
 */
const WALK = `
with recursive root as (
  select class::regclass::oid as classid, objid, objsubid
    from unnest($1::text[], $2::oid[], $3::int[]) as r (class, objid, objsubid)
), reached (classid, objid, objsubid, how) as (
  select classid, objid, objsubid, 'root'::text from root
  union
  select next.classid, next.objid, next.objsubid, next.how
    from reached r cross join lateral (
      select d.classid, d.objid, d.objsubid, d.deptype::text as how
        from pg_catalog.pg_depend d
       where d.refclassid = r.classid and d.refobjid = r.objid and (r.objsubid = 0 or d.refobjsubid = r.objsubid)
         and (d.deptype <> 'n' or $4)
      union all
      select d.refclassid, d.refobjid, d.refobjsubid, d.deptype::text
        from pg_catalog.pg_depend d
       where d.classid = r.classid and d.objid = r.objid and d.objsubid = r.objsubid and d.deptype in ('i', 'e')
         and r.how <> 'root'
    ) next
), gone as (
  select classid, objid, objsubid, bool_or(how = 'root') as named, bool_or(how = 'n') as depends
    from reached group by 1, 2, 3
), above as (
  -- Joined once: a subquery for each object would look through all of them each time.
  select d.classid, d.objid,
         bool_or(d.refclassid = 'pg_catalog.pg_namespace'::regclass) as in_schema,
         bool_or(d.deptype in ('a', 'i', 'P', 'S', 'e') and d.refclassid <> 'pg_catalog.pg_rewrite'::regclass) as is_part
    from gone h join pg_catalog.pg_depend d
      on d.refclassid = h.classid and d.refobjid = h.objid and h.objsubid in (0, d.refobjsubid)
   group by 1, 2
), inherited as (
  select i.inhrelid, bool_or(p.objsubid = 0) as whole, bool_or(p.objsubid > 0) as in_part
    from gone p join pg_catalog.pg_inherits i on i.inhparent = p.objid
   where p.classid = 'pg_catalog.pg_class'::regclass group by 1
), whole as (
  select objid from gone where classid = 'pg_catalog.pg_class'::regclass and objsubid = 0
), held as (
  select g.*, coalesce(a.in_schema, false) as in_schema, coalesce(a.is_part, false) as is_part
    from gone g left join above a on a.classid = g.classid and a.objid = g.objid
)
select c.oid, n.nspname::text as schema, c.relname::text as name, null::text as part, '' as what, c.relkind::text as relkind,
       c.relispopulated as filled, h.named,
       case when c.relispartition and coalesce(i.whole, false) then 'partition' else
         case c.relkind when 'v' then 'view' when 'm' then 'materialised view' when 'f' then 'foreign table' else 'table' end end as kind
  from held h join pg_catalog.pg_class c on c.oid = h.objid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join inherited i on i.inhrelid = c.oid
 where h.classid = 'pg_catalog.pg_class'::regclass and h.objsubid = 0 and c.relkind in ('r', 'p', 'f', 'v', 'm')
   and not (c.relkind = 'v' and h.is_part)
union all
select c.oid, n.nspname::text, c.relname::text, a.attname::text, '', c.relkind::text, c.relispopulated, h.named, 'column'
  from held h join pg_catalog.pg_class c on c.oid = h.objid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = h.objid and a.attnum = h.objsubid and not a.attisdropped
  left join inherited i on i.inhrelid = c.oid left join whole w on w.objid = h.objid
 where h.classid = 'pg_catalog.pg_class'::regclass and h.objsubid > 0 and c.relkind in ('r', 'p')
   and not (c.relispartition and coalesce(i.in_part, false)) and w.objid is null
union all
select c.oid, n.nspname::text, c.relname::text, k.conname::text, '', c.relkind::text, c.relispopulated, h.named, 'foreign key'
  from held h join pg_catalog.pg_constraint k on k.oid = h.objid
  join pg_catalog.pg_class c on c.oid = k.conrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where h.classid = 'pg_catalog.pg_constraint'::regclass and k.contype = 'f' and k.conparentid = 0 and h.depends
   and not h.is_part and not h.named
union all
select h.objid, coalesce(i.schema, ''), '', i.identity, i.type, '', true, h.named, 'object'
  from held h cross join lateral pg_catalog.pg_identify_object(h.classid, h.objid, h.objsubid) i
 where (h.named or h.depends and not h.in_schema and not h.is_part)
   and h.classid <> 'pg_catalog.pg_rewrite'::regclass
   and not (h.classid = 'pg_catalog.pg_class'::regclass
     and (h.objsubid > 0 or exists (select from pg_catalog.pg_class c where c.oid = h.objid and c.relkind in ('r', 'p', 'f', 'v', 'm'))))
   and not (h.classid = 'pg_catalog.pg_constraint'::regclass
     and exists (select from pg_catalog.pg_constraint k where k.oid = h.objid and k.contype = 'f'))
   and i.identity is not null
order by named desc, kind, schema, name, part`;
