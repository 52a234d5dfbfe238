import { fromExtension } from '../../database/fingerprint.ts';

const SCHEMAS = 'n.nspname = any($3::name[])';

/** Of a schema that migrations make everything is a part; public and structdb are always there. */
const schemaOf = (nspname: string) =>
  `case when ${nspname} in ('public', 'structdb') then null::text else 'schema ' || quote_ident(${nspname}) end`;

/** The books that structdb's own commands make at their first use (migrate, dashboard, catalog import, monitor): no migration's work. */
const OTHER_BOOKS = `not (n.nspname = 'structdb' and c.relname in ('migrations', 'kysely_migration', 'kysely_migration_lock',
  'dashboard_refreshes', 'catalog_imports', 'catalog_foundings', 'catalog_changes', 'heartbeat'))`;

/** $1: the owner's roles; $2: the name that they get; $3: the schemas. Each part gives object, name, of and definition. */
export function factsQuery(): string {
  const parts = [
    MADE_SCHEMAS,
    RELATIONS,
    COLUMNS,
    CONSTRAINTS,
    INDEXES,
    TRIGGERS,
    RULES,
    POLICIES,
    STATISTICS,
    TYPES,
    FUNCTIONS,
    owners(),
    privileges(),
    COLUMN_PRIVILEGES,
    comments(),
  ];
  return `
    with relation as (
      select c.*, n.nspname, ${RELATION_WORD} as word, quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where ${SCHEMAS} and ${OTHER_BOOKS} and c.relkind in ('r', 'p', 'f', 'v', 'm', 'S') and c.relpersistence <> 't'
         and not ${fromExtension('pg_class', 'c.oid')}
         -- the sequence of an identity column is part of the column
         and not exists (select from pg_depend i where i.classid = 'pg_class'::regclass and i.objid = c.oid
           and i.deptype = 'i' and i.refclassid = 'pg_class'::regclass and c.relkind = 'S')
    ), attribute as (
      select a.*, r.word as of_word, r.name as of_name, r.relkind, r.name || '.' || quote_ident(a.attname) as name
        from pg_attribute a join relation r on r.oid = a.attrelid
       where a.attnum > 0 and not a.attisdropped and r.relkind <> 'S'
    ), own_type as (
      select t.*, n.nspname, quote_ident(n.nspname) || '.' || quote_ident(t.typname) as name
        from pg_type t join pg_namespace n on n.oid = t.typnamespace
       where ${SCHEMAS} and not ${fromExtension('pg_type', 't.oid')}
         and (t.typtype in ('e', 'd', 'r')
           or t.typtype = 'c' and exists (select from pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
    ), own_function as (
      select p.*, n.nspname, p.oid::regprocedure::text as name
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
       where ${SCHEMAS} and not ${fromExtension('pg_proc', 'p.oid')}
         -- the constructors of a range type come with it
         and not exists (select from pg_depend i where i.classid = 'pg_proc'::regclass and i.objid = p.oid and i.deptype = 'i')
    ), facts (object, name, of, definition) as (${parts.join('\n union all ')})
    select object, name, of, definition from facts order by object collate "C", name collate "C"`;
}

const RELATION_WORD = `case c.relkind when 'v' then 'view' when 'm' then 'materialised view' when 'S' then 'sequence'
  else 'table' end`;

const MADE_SCHEMAS = `
  select 'schema', quote_ident(n.nspname), null::text, 'schema'
    from pg_namespace n where ${SCHEMAS} and n.nspname not in ('public', 'structdb')`;

const RELATIONS = `
  select r.word, r.name, ${schemaOf('r.nspname')},
         case r.relkind
           when 'r' then 'table'
           when 'p' then 'partitioned table by ' || pg_get_partkeydef(r.oid)
           when 'f' then 'foreign table'
           when 'S' then (select 'sequence ' || format_type(s.seqtypid, null) || ' start ' || s.seqstart || ' increment ' || s.seqincrement
             || ' from ' || s.seqmin || ' to ' || s.seqmax || ' cache ' || s.seqcache || case when s.seqcycle then ' cycle' else '' end
             from pg_sequence s where s.seqrelid = r.oid)
           else pg_get_viewdef(r.oid) end
         || case when r.relpersistence = 'u' then ' unlogged' else '' end
         || case when r.relrowsecurity then ' row security' else '' end
         || case when r.relforcerowsecurity then ' forced' else '' end
         || coalesce(' with (' || array_to_string(r.reloptions, ', ') || ')', '')
         || coalesce(' inherits ' || (select string_agg(i.inhparent::regclass::text, ', ' order by i.inhseqno)
              from pg_inherits i where i.inhrelid = r.oid), '')
         || coalesce(' ' || pg_get_expr(r.relpartbound, r.oid), '')
         || case when r.relkind in ('r', 'p') and r.relreplident in ('n', 'f')
              then ' replica identity ' || case r.relreplident when 'n' then 'nothing' else 'full' end else '' end
    from relation r`;

/** Of views the query says it all. A NOT NULL that is not validated is possible since PostgreSQL 18. */
const COLUMNS = `
  select 'column', a.name, a.of_word || ' ' || a.of_name,
         format_type(a.atttypid, a.atttypmod)
         || case when a.attcollation <> t.typcollation then ' collate ' || a.attcollation::regcollation::text else '' end
         || case when a.attnotnull then ' not null' else '' end
         || case when exists (select from pg_constraint k where k.conrelid = a.attrelid and k.contype = 'n'
              and k.conkey = array[a.attnum] and not k.convalidated) then ' not valid' else '' end
         || case when a.attidentity = 'a' then ' generated always as identity'
              when a.attidentity = 'd' then ' generated by default as identity'
              when a.attgenerated <> '' then ' generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ')'
                || case when a.attgenerated = 's' then ' stored' else ' virtual' end
              else coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') end
    from attribute a join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where a.relkind in ('r', 'p', 'f')`;

/** pg_get_constraintdef says NOT VALID by itself. ALTER TABLE … DISABLE TRIGGER ALL leaves a foreign key unwatched. */
const CONSTRAINTS = `
  select 'constraint', quote_ident(k.conname) || ' on ' || coalesce(r.name, 'type ' || t.name),
         coalesce(r.word || ' ' || r.name, 'type ' || t.name),
         pg_get_constraintdef(k.oid)
         || case when exists (select from pg_trigger g where g.tgconstraint = k.oid and g.tgisinternal
              and g.tgenabled = 'D') then ' (not watched: its triggers are disabled)' else '' end
    from pg_constraint k left join relation r on r.oid = k.conrelid left join own_type t on t.oid = k.contypid
   where coalesce(r.oid, t.oid) is not null
     -- NOT NULL is told by the column, a constraint trigger among the triggers
     and k.contype not in ('n', 't')`;

/** The index of a constraint is told by the constraint. */
const INDEXES = `
  select 'index', quote_ident(n.nspname) || '.' || quote_ident(c.relname), r.word || ' ' || r.name,
         pg_get_indexdef(c.oid) || case when i.indisvalid then '' else ' (invalid)' end
         || case when i.indisclustered then ' (clustered)' else '' end
         || case when i.indisreplident then ' (replica identity)' else '' end
    from pg_index i join relation r on r.oid = i.indrelid
    join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
   where not exists (select from pg_constraint k where k.conindid = c.oid and k.conrelid = r.oid and k.contype in ('p', 'u', 'x'))
      or not i.indisvalid`;

const TRIGGERS = `
  select 'trigger', quote_ident(g.tgname) || ' on ' || r.name, r.word || ' ' || r.name,
         pg_get_triggerdef(g.oid) || case g.tgenabled when 'D' then ' (disabled)' when 'R' then ' (on replicas only)'
           when 'A' then ' (always)' else '' end
    from pg_trigger g join relation r on r.oid = g.tgrelid
   where not g.tgisinternal`;

const RULES = `
  select 'rule', quote_ident(w.rulename) || ' on ' || r.name, r.word || ' ' || r.name,
         pg_get_ruledef(w.oid) || case w.ev_enabled when 'D' then ' (disabled)' else '' end
    from pg_rewrite w join relation r on r.oid = w.ev_class
   where w.rulename <> '_RETURN'`;

const POLICIES = `
  select 'policy', quote_ident(p.polname) || ' on ' || r.name, r.word || ' ' || r.name,
         case when p.polpermissive then 'permissive' else 'restrictive' end || ' for '
         || case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end
         || ' to ' || (select string_agg(${roleName('x')}, ', ' order by ${roleName('x')}) from unnest(p.polroles) x)
         || coalesce(' using (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
         || coalesce(' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')
    from pg_policy p join relation r on r.oid = p.polrelid`;

const STATISTICS = `
  select 'statistics', quote_ident(n.nspname) || '.' || quote_ident(s.stxname), r.word || ' ' || r.name,
         pg_get_statisticsobjdef(s.oid)
    from pg_statistic_ext s join relation r on r.oid = s.stxrelid join pg_namespace n on n.oid = s.stxnamespace`;

const TYPES = `
  select 'type', t.name, ${schemaOf('t.nspname')},
         case t.typtype
           when 'e' then 'enum (' || coalesce((select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
             from pg_enum e where e.enumtypid = t.oid), '') || ')'
           when 'd' then 'domain over ' || format_type(t.typbasetype, t.typtypmod)
             || case when t.typnotnull then ' not null' else '' end || coalesce(' default ' || t.typdefault, '')
           when 'r' then (select 'range of ' || format_type(g.rngsubtype, null) from pg_range g where g.rngtypid = t.oid)
           else 'composite (' || coalesce((select string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod),
             ', ' order by a.attnum) from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped), '')
             || ')' end
    from own_type t`;

const FUNCTIONS = `
  select 'function', p.name, ${schemaOf('p.nspname')},
         case when p.prokind = 'a' then (select 'aggregate ' || g.aggtransfn::text || ' over ' || format_type(g.aggtranstype, null)
             || case when g.aggfinalfn::oid = 0 then '' else ' then ' || g.aggfinalfn::text end
             || coalesce(' from ' || quote_literal(g.agginitval), '') from pg_aggregate g where g.aggfnoid = p.oid)
           else rtrim(pg_get_functiondef(p.oid), E'\\n') end
    from own_function p`;

/** What has an owner, privileges and a comment of its own: word, name, oid, owner, acl, the kind's letter, catalog. */
const OWNED = [
  {
    of: 'relation',
    word: 'o.word',
    owner: 'o.relowner',
    acl: 'o.relacl',
    kind: `(case o.relkind when 'S' then 's' else 'r' end)::"char"`,
    catalog: 'pg_class',
  },
  {
    of: 'own_type',
    word: `'type'`,
    owner: 'o.typowner',
    acl: 'o.typacl',
    kind: `'T'::"char"`,
    catalog: 'pg_type',
  },
  {
    of: 'own_function',
    word: `'function'`,
    owner: 'o.proowner',
    acl: 'o.proacl',
    kind: `'f'::"char"`,
    catalog: 'pg_proc',
  },
] as const;

/** A role by its name, the migrations' owner by the name that the reader asked for. */
function roleName(oid: string): string {
  return `case when ${oid} = 0 then 'public' when pg_get_userbyid(${oid}) = any($1::name[]) then $2::text
    else pg_get_userbyid(${oid})::text end`;
}

function owners(): string {
  return OWNED.map(
    ({ of, word, owner }) => `
  select 'owner', ${word} || ' ' || o.name, ${word} || ' ' || o.name, ${roleName(owner)} from ${of} o`,
  ).join('\n union all ');
}

/**
 * Who may do what. The owner by that word, so that another owner is one difference and not two. Grants that were
 * spelled out and equal the default are the default. Who granted does not count.
 */
function privileges(): string {
  return OWNED.map(
    ({ of, word, owner, acl, kind }) => `
  select 'privileges', ${word} || ' ' || o.name, ${word} || ' ' || o.name,
         case when ${acl} is null or ${grants(acl, owner)} is not distinct from ${grants(`acldefault(${kind}, ${owner})`, owner)}
           then 'default' else coalesce(${grants(acl, owner)}, 'none') end
    from ${of} o`,
  ).join('\n union all ');
}

const COLUMN_PRIVILEGES = `
  select 'privileges', 'column ' || a.name, 'column ' || a.name, g.text
    from attribute a join relation r on r.oid = a.attrelid
    cross join lateral (select ${grants('a.attacl', 'r.relowner')} as text) g
   where g.text is not null`;

function grants(acl: string, owner: string): string {
  return `(select string_agg(y.role || ': ' || y.rights, '; ' order by y.role collate "C") from (
    select case when x.grantee = ${owner} then 'owner' else ${roleName('x.grantee')} end as role,
           string_agg(lower(x.privilege_type) || case when x.is_grantable and x.grantee <> ${owner} then ' with grant option' else '' end,
             ', ' order by x.privilege_type collate "C") as rights
      from aclexplode(${acl}) x group by 1) y)`;
}

function comments(): string {
  const owned = OWNED.map(
    ({ of, word, catalog }) => `
  select 'comment', ${word} || ' ' || o.name, ${word} || ' ' || o.name, obj_description(o.oid, '${catalog}')
    from ${of} o where obj_description(o.oid, '${catalog}') is not null`,
  );
  return [
    ...owned,
    `
  select 'comment', 'column ' || a.name,
         case when a.relkind in ('r', 'p', 'f') then 'column ' || a.name else a.of_word || ' ' || a.of_name end,
         col_description(a.attrelid, a.attnum)
    from attribute a where col_description(a.attrelid, a.attnum) is not null`,
    `
  select 'comment', 'constraint ' || quote_ident(k.conname) || ' on ' || r.name,
         'constraint ' || quote_ident(k.conname) || ' on ' || r.name, obj_description(k.oid, 'pg_constraint')
    from pg_constraint k join relation r on r.oid = k.conrelid
   where k.contype not in ('n', 't') and obj_description(k.oid, 'pg_constraint') is not null`,
    `
  select 'comment', 'index ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname),
         'index ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname), obj_description(c.oid, 'pg_class')
    from pg_index i join relation r on r.oid = i.indrelid join pg_class c on c.oid = i.indexrelid
    join pg_namespace n on n.oid = c.relnamespace
   where obj_description(c.oid, 'pg_class') is not null
     and not exists (select from pg_constraint k where k.conindid = c.oid and k.contype in ('p', 'u', 'x'))`,
    `
  select 'comment', 'trigger ' || quote_ident(g.tgname) || ' on ' || r.name,
         'trigger ' || quote_ident(g.tgname) || ' on ' || r.name, obj_description(g.oid, 'pg_trigger')
    from pg_trigger g join relation r on r.oid = g.tgrelid
   where not g.tgisinternal and obj_description(g.oid, 'pg_trigger') is not null`,
  ].join('\n union all ');
}
