import { fromExtension, USER_SCHEMA } from './fingerprint.ts';

/**
 * One query per section of a database's structure, each giving a name and a definition that is equal exactly when the
 * objects are: what pg_get_…def prints under an empty search path, owner, privileges and comment. Invalid indexes are
 * left out (pg_dump leaves them out too; the inventory lists them as weaknesses).
 */
export const structureQueries: Readonly<Record<string, string>> = Object.freeze({
  schemas: `
    select quote_ident(n.nspname) as name, ${extras('n', "'n'", "obj_description(n.oid, 'pg_namespace')", 'nsp')} as definition
      from pg_namespace n where ${USER_SCHEMA} and not ${fromExtension('pg_namespace', 'n.oid')}`,
  relations: relations(
    "'r', 'p', 'v', 'm', 'f', 'S'",
    `case c.relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view' when 'm'
       then 'materialised view' when 'f' then 'foreign table' else 'sequence' end
     || ' persistence ' || c.relpersistence::text || case when c.relrowsecurity then ' row security' else '' end
     || case when c.relforcerowsecurity then ' forced' else '' end
     || coalesce(' with ' || array_to_string(c.reloptions, ','), '')
     || case when c.relkind = 'm' and not c.relispopulated then ' never filled' else '' end
     || case when c.relkind in ('v', 'm') then ' as ' || pg_get_viewdef(c.oid) else '' end
     || ${extras('c', `(case c.relkind when 'S' then 's' else 'r' end)::"char"`, "obj_description(c.oid, 'pg_class')", 'rel')}`,
  ),
  columns: `
    select ${relationName()} || '.' || quote_ident(a.attname) as name,
           format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end
           || coalesce(case when a.attgenerated <> '' then ' generated ' else ' default ' end || pg_get_expr(d.adbin, d.adrelid), '')
           || case when a.attidentity <> '' then ' identity ' || a.attidentity::text else '' end
           || case when a.attcollation <> t.typcollation then ' collate ' || a.attcollation::regcollation::text else '' end
           || coalesce(' acl ' || ${sortedAcl('a.attacl')}, '')
           || coalesce(' comment ' || col_description(c.oid, a.attnum), '') as definition
      from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      join pg_type t on t.oid = a.atttypid left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
     where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relpersistence <> 't'
       and ${USER_SCHEMA} and not ${fromExtension('pg_class', 'c.oid')}`,
  constraints: `
    select coalesce(${relationName()}, k.contypid::regtype::text) || ' ' || quote_ident(k.conname) as name,
           pg_get_constraintdef(k.oid) || case when k.convalidated then '' else ' (not validated)' end as definition
      from pg_constraint k join pg_namespace n on n.oid = k.connamespace left join pg_class c on c.oid = k.conrelid
     where k.contype <> 'n' and ${USER_SCHEMA} and not ${fromExtension('pg_class', 'c.oid')}
       and not ${fromExtension('pg_type', 'k.contypid')}`,
  indexes: `
    select ${relationName()} as name, pg_get_indexdef(c.oid) || case when i.indisclustered then ' (clustered)' else '' end
           || case when i.indisreplident then ' (replica identity)' else '' end as definition
      from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
     where i.indisvalid and ${USER_SCHEMA} and not ${fromExtension('pg_class', 'i.indrelid')}`,
  triggers: `
    select ${relationName()} || ' ' || quote_ident(t.tgname) as name,
           case t.tgenabled when 'O' then 'enabled' when 'A' then 'enabled always' when 'R' then 'enabled on replicas'
             else 'disabled' end || ': ' || pg_get_triggerdef(t.oid) as definition
      from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
     where not t.tgisinternal and ${USER_SCHEMA} and not ${fromExtension('pg_class', 'c.oid')}`,
  functions: `
    select p.oid::regprocedure::text as name,
           case when p.prokind = 'a' then 'aggregate' else encode(sha256(convert_to(pg_get_functiondef(p.oid), 'UTF8')), 'hex') end
           || ${extras('p', "'f'", "obj_description(p.oid, 'pg_proc')", 'pro')} as definition
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where ${USER_SCHEMA} and not ${fromExtension('pg_proc', 'p.oid')}
       -- a range type's constructors come with it, and belong to whoever ran its CREATE TYPE
       and not exists (select from pg_depend i where i.classid = 'pg_proc'::regclass and i.objid = p.oid and i.deptype = 'i')`,
  types: `
    select t.oid::regtype::text as name,
           t.typtype::text || coalesce(' (' || (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
             from pg_enum e where e.enumtypid = t.oid) || ')', '')
           || coalesce(' over ' || format_type(nullif(t.typbasetype, 0), t.typtypmod), '')
           || ${extras('t', "'T'", "obj_description(t.oid, 'pg_type')", 'typ')} as definition
      from pg_type t join pg_namespace n on n.oid = t.typnamespace
     where t.typtype in ('e', 'd', 'r') and ${USER_SCHEMA} and not ${fromExtension('pg_type', 't.oid')}`,
  policies: `
    select ${relationName()} || ' ' || quote_ident(p.polname) as name,
           p.polcmd::text || case when p.polpermissive then ' permissive' else ' restrictive' end
           || ' to ' || (select string_agg(case when r = 0 then 'public' else pg_get_userbyid(r) end, ', ' order by 1)
                           from unnest(p.polroles) r)
           || coalesce(' using ' || pg_get_expr(p.polqual, p.polrelid), '')
           || coalesce(' check ' || pg_get_expr(p.polwithcheck, p.polrelid), '') as definition
      from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
     where ${USER_SCHEMA} and not ${fromExtension('pg_class', 'c.oid')}`,
});

function relationName(): string {
  return `quote_ident(n.nspname) || '.' || quote_ident(c.relname)`;
}

function relations(kinds: string, definition: string): string {
  return `
    select ${relationName()} as name, ${definition} as definition
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in (${kinds}) and c.relpersistence <> 't' and ${USER_SCHEMA} and not ${fromExtension('pg_class', 'c.oid')}`;
}

/**
 * Owner, privileges in a fixed order, and comment. Privileges that are spelled out and equal the default (after a GRANT and
 * its REVOKE) are the default: pg_dump leaves them out.
 */
function extras(table: string, kind: string, comment: string, prefix: string): string {
  const owner = `${table}.${prefix}owner`;
  const acl = `${table}.${prefix}acl`;
  return `' owner ' || pg_get_userbyid(${owner})
    || case when ${acl} is null or ${sortedAcl(acl)} = ${sortedAcl(`acldefault(${kind}, ${owner})`)} then ''
         else ' acl ' || coalesce(${sortedAcl(acl)}, 'none') end
    || coalesce(' comment ' || ${comment}, '')`;
}

/** The order of an ACL's items is the order of the grants, which a restore may change. */
function sortedAcl(acl: string): string {
  return `(select string_agg(i::text, ', ' order by i::text collate "C") from unnest(${acl}) i)`;
}
