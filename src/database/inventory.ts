import type pg from 'pg';
import { quoteIdentifier } from '../postgres/connect.ts';
import type { DatabaseBelongings, Extension, SequenceState, Structure } from '../repository/manifest.ts';
import { fromExtension, USER_SCHEMA, unreadable } from './fingerprint.ts';
import { structureQueries } from './structure.ts';

/** What a database is made of, beside its rows. */
export interface Inventory {
  readonly database: DatabaseBelongings;
  readonly extensions: readonly Extension[];
  readonly sequences: readonly SequenceState[];
  readonly structure: Structure;
  /** Indexes that are not valid, constraints not validated, triggers disabled, views never filled: one line each. */
  readonly weaknesses: readonly string[];
}

/** Takes the inventory of the database that `client` is connected to, inside the caller's transaction. */
export async function takeInventory(client: pg.ClientBase): Promise<Inventory> {
  // Definitions are printed relative to the search path.
  await client.query(`select pg_catalog.set_config('search_path', 'pg_catalog', true)`);
  return {
    database: await readBelongings(client),
    extensions: await readExtensions(client),
    sequences: await readSequences(client),
    structure: await readStructure(client),
    weaknesses: await readWeaknesses(client),
  };
}

/** Owner, settings, privileges, comment, encoding and locale of the connected database. */
export async function readBelongings(client: pg.ClientBase): Promise<DatabaseBelongings> {
  // to_jsonb, because the columns differ by major: daticulocale is datlocale since 17.
  const { rows } = await client.query<{
    d: Record<string, string | number | null>;
    more: Record<string, string | null>;
  }>(
    `select to_jsonb(d) - 'datacl' as d, jsonb_build_object(
              'owner', pg_get_userbyid(d.datdba), 'comment', shobj_description(d.oid, 'pg_database'),
              'encoding', pg_encoding_to_char(d.encoding), 'tablespace', t.spcname,
              'actual', pg_database_collation_actual_version(d.oid)) as more
       from pg_catalog.pg_database d join pg_catalog.pg_tablespace t on t.oid = d.dattablespace
      where d.datname = current_database()`,
  );
  const { d, more } = rows[0]!;
  const asText = (value: unknown) => (value === null || value === undefined ? null : String(value));
  const providers: Record<string, string> = { c: 'libc', i: 'icu', b: 'builtin' };
  return {
    name: String(d.datname),
    oid: Number(d.oid),
    owner: more.owner!,
    comment: more.comment ?? null,
    encoding: more.encoding!,
    localeProvider: providers[String(d.datlocprovider)] ?? String(d.datlocprovider),
    collate: String(d.datcollate),
    ctype: String(d.datctype),
    locale: asText(d.datlocale ?? d.daticulocale),
    icuRules: asText(d.daticurules),
    collationVersion: asText(d.datcollversion),
    actualCollationVersion: more.actual ?? null,
    tablespace: more.tablespace!,
    connectionLimit: Number(d.datconnlimit),
    settings: await readSettings(client),
    privileges: await readPrivileges(client),
  };
}

async function readSettings(client: pg.ClientBase): Promise<DatabaseBelongings['settings']> {
  const { rows } = await client.query<{ role: string | null; setting: string }>(
    `select r.rolname as role, unnest(s.setconfig) as setting
       from pg_catalog.pg_db_role_setting s
       join pg_catalog.pg_database d on d.oid = s.setdatabase and d.datname = current_database()
       left join pg_catalog.pg_roles r on r.oid = s.setrole
      order by 1 nulls first, 2`,
  );
  return rows.map(({ role, setting }) => {
    const equals = setting.indexOf('=');
    return { role, name: setting.slice(0, equals), value: setting.slice(equals + 1) };
  });
}

async function readPrivileges(client: pg.ClientBase): Promise<DatabaseBelongings['privileges']> {
  const { rows } = await client.query<{ changed: boolean }>(
    `select datacl is not null as changed from pg_catalog.pg_database where datname = current_database()`,
  );
  if (!rows[0]!.changed) return null;
  const granted = await client.query<{ grantee: string | null; privilege: string; grantable: boolean }>(
    `select r.rolname as grantee, a.privilege_type as privilege, a.is_grantable as grantable
       from pg_catalog.pg_database d cross join aclexplode(d.datacl) a
       left join pg_catalog.pg_roles r on r.oid = a.grantee
      where d.datname = current_database() order by 1 nulls first, 2, 3`,
  );
  return granted.rows;
}

/** The extensions of the connected database. */
export async function readExtensions(client: pg.ClientBase): Promise<Extension[]> {
  const { rows } = await client.query<Extension>(
    `select e.extname as name, e.extversion as version, n.nspname as schema
       from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace order by 1`,
  );
  return rows;
}

/** Every user sequence with its next value, and for one that feeds a column the value used furthest. */
async function readSequences(client: pg.ClientBase): Promise<SequenceState[]> {
  const { rows } = await client.query<SequenceRow>(
    `select n.nspname as schema, c.relname as name, s.seqincrement::text as increment,
            tn.nspname as "tableSchema", tc.relname as "table", a.attname as column
       from pg_catalog.pg_sequence s
       join pg_catalog.pg_class c on c.oid = s.seqrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       left join pg_catalog.pg_depend o on o.classid = 'pg_catalog.pg_class'::regclass and o.objid = c.oid
            and o.refclassid = 'pg_catalog.pg_class'::regclass and o.refobjsubid > 0 and o.deptype in ('a', 'i')
       left join pg_catalog.pg_class tc on tc.oid = o.refobjid left join pg_catalog.pg_namespace tn on tn.oid = tc.relnamespace
       left join pg_catalog.pg_attribute a on a.attrelid = o.refobjid and a.attnum = o.refobjsubid
      where c.relpersistence <> 't' and not ${unreadable('c')} and (tc.oid is null or not ${unreadable('tc')})
        and ${USER_SCHEMA} and not ${fromExtension('pg_class', 'c.oid')}
      order by n.nspname collate "C", c.relname collate "C"`,
  );
  const states: SequenceState[] = [];
  for (const row of rows) states.push(await readSequence(client, row));
  return states;
}

interface SequenceRow {
  readonly schema: string;
  readonly name: string;
  readonly increment: string;
  readonly tableSchema: string | null;
  readonly table: string | null;
  readonly column: string | null;
}

async function readSequence(client: pg.ClientBase, row: SequenceRow): Promise<SequenceState> {
  const { schema, name, increment } = row;
  const next = await client.query<{ next: string }>(
    `select (case when is_called then last_value::numeric + ${increment} else last_value end)::text as next
       from ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`,
  );
  const nextValue = next.rows[0]!.next;
  if (row.tableSchema === null || row.table === null || row.column === null) {
    return { schema, name, nextValue, increment, ownedBy: null };
  }
  const furthest = increment.startsWith('-') ? 'min' : 'max';
  const used = await client.query<{ used: string | null }>(
    `select ${furthest}(${quoteIdentifier(row.column)})::text as used
       from ${quoteIdentifier(row.tableSchema)}.${quoteIdentifier(row.table)}`,
  );
  const ownedBy = { schema: row.tableSchema, table: row.table, column: row.column, greatestUsed: used.rows[0]!.used };
  return { schema, name, nextValue, increment, ownedBy };
}

async function readStructure(client: pg.ClientBase): Promise<Structure> {
  const structure: Structure = {};
  for (const [section, query] of Object.entries(structureQueries)) {
    const { rows } = await client.query<{ name: string; definition: string }>(query);
    structure[section] = Object.fromEntries(rows.map(({ name, definition }) => [name, definition]));
  }
  return structure;
}

async function readWeaknesses(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ line: string }>(
    `select line from (
       select format('index %I.%I is not valid', n.nspname, c.relname) as line
         from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace where not i.indisvalid and ${USER_SCHEMA}
       union all
       select format('constraint %I on %I.%I is not validated', k.conname, n.nspname, c.relname)
         from pg_catalog.pg_constraint k join pg_catalog.pg_class c on c.oid = k.conrelid
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace where not k.convalidated and ${USER_SCHEMA}
       union all
       select format('trigger %I on %I.%I is disabled', t.tgname, n.nspname, c.relname)
         from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where t.tgenabled = 'D' and not t.tgisinternal and ${USER_SCHEMA}
       union all
       select format('materialised view %I.%I was never filled', n.nspname, c.relname)
         from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'm' and not c.relispopulated and ${USER_SCHEMA}) w order by line collate "C"`,
  );
  return rows.map(({ line }) => line);
}
