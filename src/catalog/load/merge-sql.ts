import type { TargetTable } from './tables.ts';

/** What of a table a file speaks about. Columns that it does not have are left as they are stored. */
export interface Coverage {
  readonly table: TargetTable;
  /** Columns of the table and names of properties that the file has. */
  readonly columns: ReadonlySet<string>;
}

/** `create temporary table staged (…)`, gone with the transaction. */
export function createStage(table: TargetTable): string {
  const columns = [
    ...table.key.map((name) => `${name} text not null`),
    ...table.values.map(({ name, type }) => `${name} ${type}`),
  ];
  return `create temporary table staged (${columns.join(', ')}) on commit drop`;
}

/** The columns of the stage. */
export function stageColumns(table: TargetTable): string {
  return [...table.key, ...table.values.map(({ name }) => name)].join(', ');
}

/** The places of those of the groups $1–$4 that have no row. */
export function emptyGroups({ table }: Coverage): string {
  return `select g.place::int from ${scopesFrom(1)}
where not exists (select from ${table.name} m where ${isOfGroup(table)}) order by 1`;
}

/**
 * Inserts what is not there, and counts it. Rows that are there stay untouched, whoever put them there. The import $1 leaves
 * a note of each row, but of those in the groups $2–$5, of which one note for all is kept.
 */
export function insertNew({ table }: Coverage): string {
  const columns = stageColumns(table);
  const key = table.key.join(', ');
  return `with inserted as (
  insert into ${table.name} (${columns}) select ${columns} from staged
  on conflict (${key}) do nothing
  returning ${key}
), noted as (
  insert into structdb.catalog_changes (table_name, key, import_id, action)
  select '${table.name}', array[${key}], $1, 'inserted' from inserted m
  where not exists (select from ${scopesFrom(2)} where ${isOfGroup(table)})
)
select count(*)::int as count from inserted`;
}

/** Locks the rows that `updateChanged` will update, and notes for the import $1 which columns change and what they held. */
export function noteUpdates(coverage: Coverage): string {
  const { table } = coverage;
  const spoken = spokenOf(coverage);
  const parts = spoken
    .filter(({ type }) => type !== 'jsonb')
    .map(({ name }) => `select '${name}', m.${name} is distinct from s.${name}, to_jsonb(m.${name})`);
  if (spoken.some(({ type }) => type === 'jsonb')) {
    const names = propertiesOf(coverage).map((name) => `'${name}'`);
    parts.push(`select p.name, m.properties -> p.name is distinct from s.properties -> p.name, m.properties -> p.name
      from unnest(array[${names.join(', ')}]) as p(name)`);
  }
  if (table.retires) parts.push(`select 'retired_at', m.retired_at is not null, to_jsonb(m.retired_at)`);
  return `insert into structdb.catalog_changes (table_name, key, import_id, action, columns, old)
select '${table.name}', array[${table.key.map((name) => `m.${name}`).join(', ')}], $1, 'updated', c.columns, c.old
from ${table.name} m
join staged s on ${sameKey(table)}
cross join lateral (
  select array_agg(v.name) as columns, jsonb_object_agg(v.name, v.old) as old
  from (
    ${parts.join('\n    union all ')}
  ) as v(name, changed, old)
  where v.changed
) as c
where ${differs(coverage)}
for update of m`;
}

/**
 * An index for finding staged rows by key. The planner knows no statistics of a table filled a moment ago, expects a handful
 * of rows on either side and, without an index, compares each row with each other: ten seconds instead of fifty milliseconds.
 */
export function indexStage(table: TargetTable): string {
  return `create index if not exists staged_key on staged (${table.key.join(', ')})`;
}

/** Updates the rows that differ in what the file speaks about, and brings retired ones back. */
export function updateChanged(coverage: Coverage): string {
  const { table } = coverage;
  const assignments = spokenOf(coverage).map(({ name, value }) => `${name} = ${value}`);
  if (table.retires) assignments.push('retired_at = null');
  return `update ${table.name} m set ${assignments.join(', ')} from staged s where ${sameKey(table)} and (${differs(coverage)})`;
}

/** An answer of `compareRows`. */
export interface Compared {
  readonly key: string[];
  readonly missing: boolean;
  readonly retired: boolean;
  readonly names: string[] | null;
  readonly given: (string | null)[] | null;
  readonly stored: (string | null)[] | null;
}

/**
 * The rows of $1, JSON, that the table lacks, has retired, or has other values of: with the names of those values, what the
 * file says and what is stored, each as text.
 */
export function compareRows(coverage: Coverage): string {
  const { table } = coverage;
  const spoken = spokenOf(coverage);
  const parts = spoken
    .filter(({ type }) => type !== 'jsonb')
    .map(({ name }) => {
      return `select '${name}', s.${name}::text, m.${name}::text where m.${name} is distinct from s.${name}`;
    });
  if (spoken.some(({ type }) => type === 'jsonb')) {
    const names = propertiesOf(coverage).map((name) => `'${name}'`);
    parts.push(`select p.name, s.properties ->> p.name, m.properties ->> p.name
      from unnest(array[${names.join(', ')}]) as p(name)
      where m.properties -> p.name is distinct from s.properties -> p.name`);
  }
  const [first] = table.key;
  return `with s as materialized (select * from json_to_recordset($1::json) as s(${recordOf(table)}))
select array[${table.key.map((name) => `s.${name}`).join(', ')}] as key, m.${first} is null as missing,
  ${table.retires ? 'm.retired_at is not null' : 'false'} as retired,
  c.names, c.given, c.stored
from s
left join ${table.name} m on ${sameKey(table)}
left join lateral (
  select array_agg(v.name) as names, array_agg(v.given) as given, array_agg(v.stored) as stored
  from (
    ${parts.join('\n    union all ') || `select '', '', '' where false`}
  ) as v(name, given, stored)
) as c on m.${first} is not null
where m.${first} is null or ${differs(coverage)}`;
}

/** The keys of the rows in use of the scopes $1–$4. */
export function keysInUse({ table }: Coverage): string {
  return `select array[${table.key.map((name) => `m.${name}`).join(', ')}] as key from ${table.name} m where ${isInUse()}`;
}

/** The columns of a row that travels as JSON. */
function recordOf(table: TargetTable): string {
  const key = table.key.map((name) => `${name} text`);
  return [...key, ...table.values.map(({ name, type }) => `${name} ${type}`)].join(', ');
}

/** Whether the table has any row at all, or any of the scopes $1–$4. */
export function hasRowsOf(table: TargetTable, ofScopes: boolean): string {
  return `select exists (select from ${table.name} m${ofScopes ? ` where ${isInScope()}` : ''}) as found`;
}

/** Whether the scopes $1–$4 have as many rows in use as are staged for them. */
export function isComplete({ table }: Coverage): string {
  return `select (select count(*) from ${table.name} m where ${isInUse()})
  = (select count(*) from staged m where ${isInScope()}) as complete`;
}

/** Marks the rows of the whole scopes ($1–$4) that are not staged; the import $5 leaves a note of each. */
export function retireAbsent({ table }: Coverage): string {
  return `with retired as (
  update ${table.name} m set retired_at = now() where ${isInUse()}
  and not exists (select from staged s where ${sameKey(table)})
  returning ${table.key.map((name) => `m.${name}`).join(', ')}
)
insert into structdb.catalog_changes (table_name, key, import_id, action, columns, old)
select '${table.name}', array[${table.key.join(', ')}], $5, 'retired', array['retired_at'], '{"retired_at": null}' from retired`;
}

/** Of each whole scope ($1–$4), in their order: the rows in use. */
export function countInUse({ table }: Coverage): string {
  return `select (select count(*) from ${table.name} m where m.retired_at is null and ${isOf('g')})::int as count
from ${scopesFrom(1)} order by g.place`;
}

/** Of each whole scope ($1–$4), in their order: the rows in use that are not staged. */
export function countAbsent({ table }: Coverage): string {
  return `select count(m.standard)::int as count
from ${scopesFrom(1)}
left join ${table.name} m on m.retired_at is null and ${isOf('g')}
  and not exists (select from staged s where ${sameKey(table)})
group by g.place order by g.place`;
}

function sameKey(table: TargetTable): string {
  return table.key.map((name) => `m.${name} = s.${name}`).join(' and ');
}

/** Numbers are compared as numbers, 90 and 90.0 are the same; so are those inside of properties, which are jsonb. */
function differs(coverage: Coverage): string {
  const spoken = spokenOf(coverage).map(({ name, value }) => `m.${name} is distinct from ${value}`);
  return [...spoken, ...(coverage.table.retires ? ['m.retired_at is not null'] : [])].join(' or ') || 'false';
}

function propertiesOf({ table, columns }: Coverage): string[] {
  const own = new Set([...table.key, ...table.values.map(({ name }) => name)]);
  return [...columns].filter((name) => !own.has(name));
}

interface Spoken {
  readonly name: string;
  readonly type: TargetTable['values'][number]['type'];
  readonly value: string;
}

function spokenOf(coverage: Coverage): Spoken[] {
  const { table, columns } = coverage;
  const properties = propertiesOf(coverage);
  return table.values.flatMap(({ name, type }): Spoken[] => {
    if (type !== 'jsonb') return columns.has(name) ? [{ name, type, value: `s.${name}` }] : [];
    if (properties.length === 0) return [];
    // A property that the file has a column for and no value in is taken away; others stay.
    const names = properties.map((property) => `'${property}'`).join(', ');
    return [{ name, type, value: `(m.${name} - array[${names}]) || s.${name}` }];
  });
}

function isInUse(first = 1): string {
  return `m.retired_at is null and ${isInScope(first)}`;
}

function isInScope(first = 1): string {
  return `exists (select from ${scopesFrom(first)} where ${isOf('g')})`;
}

const SCOPE_COLUMNS = ['standard', 'edition', 'unit_system', 'variant'];

/** The scopes of four parameters as g, with their place. */
function scopesFrom(first: number): string {
  const arrays = SCOPE_COLUMNS.map((_, at) => `$${first + at}::text[]`);
  return `unnest(${arrays.join(', ')}) with ordinality as g(${SCOPE_COLUMNS.join(', ')}, place)`;
}

/** Whether the row m is of the group g. References have neither unit system nor variant. */
function isOfGroup(table: TargetTable): string {
  return table.key.includes('unit_system') ? isOf('g') : 'm.standard = g.standard and m.edition = g.edition';
}

function isOf(scope: string): string {
  const same = SCOPE_COLUMNS.slice(0, -1).map((name) => `m.${name} = ${scope}.${name}`);
  return `${same.join(' and ')} and (${scope}.variant is null or m.variant = ${scope}.variant)`;
}
