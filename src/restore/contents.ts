import type pg from 'pg';

/** An object that somebody made in a database. */
export interface UserObject {
  /** As in DROP: `table`, `materialized view`, `schema`. */
  readonly type: string;
  /** Quoted and qualified as DROP takes it. */
  readonly identity: string;
}

/**
 * What a database holds beyond a new one: everything made by a user, except extensions, what belongs to them, and the
 * schemas that hold nothing but them (managed servers install them for the owner). Large objects count.
 */
export async function findUserObjects(client: pg.Client): Promise<UserObject[]> {
  const { rows } = await client.query<UserObject>(`
    with made (classid, objid) as (
      select 'pg_class'::regclass, oid from pg_class where relkind in ('r', 'p', 'v', 'm', 'S', 'f')
      union all select 'pg_proc'::regclass, oid from pg_proc
      union all select 'pg_type'::regclass, t.oid from pg_type t left join pg_class c on c.oid = t.typrelid
                where t.typelem = 0 and t.typtype <> 'm' and (t.typrelid = 0 or c.relkind = 'c')
      union all select 'pg_namespace'::regclass, n.oid from pg_namespace n
                where not exists (select from pg_depend d where d.refclassid = 'pg_namespace'::regclass
                                  and d.refobjid = n.oid and d.classid = 'pg_extension'::regclass)
      union all select 'pg_operator'::regclass, oid from pg_operator
      union all select 'pg_collation'::regclass, oid from pg_collation
      union all select 'pg_conversion'::regclass, oid from pg_conversion
      union all select 'pg_cast'::regclass, oid from pg_cast
      union all select 'pg_ts_config'::regclass, oid from pg_ts_config
      union all select 'pg_ts_dict'::regclass, oid from pg_ts_dict
      union all select 'pg_event_trigger'::regclass, oid from pg_event_trigger
      union all select 'pg_publication'::regclass, oid from pg_publication
      union all select 'pg_foreign_data_wrapper'::regclass, oid from pg_foreign_data_wrapper
      union all select 'pg_foreign_server'::regclass, oid from pg_foreign_server
      union all select 'pg_largeobject'::regclass, oid from pg_largeobject_metadata
    )
    select o.type, o.identity
      from made, pg_identify_object(classid, objid, 0) o
     -- Objects below 16384 were made by initdb (FirstNormalObjectId); those of pg_temp and pg_toast come and go.
     where objid >= 16384 and coalesce(o.schema, '') !~ '^pg_(toast|temp)' and o.identity !~ '^pg_(toast|temp)'
       and not exists (select from pg_depend d where d.classid = made.classid and d.objid = made.objid
                       and d.deptype in ('e', 'i'))
     order by o.type = 'schema' desc, o.type, o.identity`);
  return rows;
}

/** Extensions by name, with whether the connected role owns them. */
export async function findExtensions(client: pg.Client): Promise<Map<string, { readonly owned: boolean }>> {
  const { rows } = await client.query<{ name: string; owned: boolean }>(
    `select extname as name, pg_has_role(extowner, 'USAGE') as owned from pg_extension`,
  );
  return new Map(rows.map(({ name, owned }) => [name, { owned }]));
}
