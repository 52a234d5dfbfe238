import type pg from 'pg';

/** An object of a database, by what identifies it as long as it is there. */
export type Identity = string;

interface Found {
  readonly identity: Identity;
  /** What drops it, with all that depends on it; nothing where something else has dropped it meanwhile. */
  readonly drop: string;
}

/** The schemas, relations, routines and types of a database that belong to nothing else, in the order to drop them. */
async function listObjects(client: pg.ClientBase): Promise<readonly Found[]> {
  const { rows } = await client.query<Found>(
    `with own_schema as (
       select oid, nspname from pg_catalog.pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'
     ), found (kind, oid, what, name) as (
       select 'pg_namespace'::regclass, oid, 'schema', quote_ident(nspname) from own_schema
       union all
       select 'pg_class'::regclass, c.oid,
         case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
           when 'f' then 'foreign table' else 'table' end,
         format('%I.%I', nspname, relname)
       from pg_catalog.pg_class c join own_schema n on n.oid = relnamespace where relkind in ('r', 'p', 'v', 'm', 'S', 'f')
       union all
       select 'pg_proc'::regclass, p.oid, 'routine',
         format('%I.%I(%s)', nspname, proname, pg_catalog.pg_get_function_identity_arguments(p.oid))
       from pg_catalog.pg_proc p join own_schema n on n.oid = pronamespace
       union all
       select 'pg_type'::regclass, t.oid, 'type', format('%I.%I', nspname, typname)
       from pg_catalog.pg_type t join own_schema n on n.oid = typnamespace
       where typrelid = 0 or exists (select from pg_catalog.pg_class c where c.oid = typrelid and relkind = 'c')
     )
     select found.kind || ' ' || found.oid as identity, format('drop %s if exists %s cascade', what, name) as drop
     from found
     where not exists (select from pg_catalog.pg_depend d
       where d.classid = found.kind and d.objid = found.oid and d.deptype in ('e', 'i', 'a')
         and d.refclassid <> 'pg_namespace'::regclass)
     order by array_position(array['schema', 'view', 'materialized view'], what), what <> 'table', found.oid`,
  );
  return rows;
}

/** What is there. */
export async function identitiesOf(client: pg.ClientBase): Promise<ReadonlySet<Identity>> {
  return new Set((await listObjects(client)).map(({ identity }) => identity));
}

/** Drops what is there besides, with what depends on it. @throws what PostgreSQL says */
export async function dropAllBut(client: pg.ClientBase, stay: ReadonlySet<Identity>): Promise<void> {
  for (const { identity, drop } of await listObjects(client)) if (!stay.has(identity)) await client.query(drop);
}
