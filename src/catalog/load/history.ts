import path from 'node:path';
import type pg from 'pg';
import { StructdbError } from '../../core/errors.ts';
import { toolVersion } from '../../core/tool-version.ts';
import type { Statement } from '../../postgres/together.ts';
import type { ScopeOf } from '../by-scope.ts';
import type { FileReport } from '../result.ts';
import { shippedCatalogs } from '../shipped.ts';

/**
 * The books of imports. A row of catalog_imports is one file. What a file put into a group that had nothing is one row of
 * catalog_foundings, whatever the number of rows; later imports leave a row of catalog_changes for each row that they inserted,
 * updated or retired, with the columns and the values before.
 */
const BOOKS = ['catalog_imports', 'catalog_foundings', 'catalog_changes'] as const;

const CREATE: Readonly<Record<(typeof BOOKS)[number], string>> = {
  catalog_imports: `create table structdb.catalog_imports (
    import_id bigint generated always as identity,
    imported_at timestamptz not null default now(),
    imported_by text not null default current_user,
    file text not null,
    sha256 text not null,
    content_sha256 text,
    format text not null,
    encoding text,
    tool_version text,
    editions jsonb not null,
    inserted integer not null,
    updated integer not null,
    unchanged integer not null,
    retired integer not null,
    rejected integer not null,
    constraint catalog_imports_pkey primary key (import_id)
  )`,
  catalog_foundings: `create table structdb.catalog_foundings (
    import_id bigint not null,
    table_name text not null,
    standard text not null,
    edition text not null,
    unit_system text,
    variant text,
    columns text[] not null
  )`,
  catalog_changes: `create table structdb.catalog_changes (
    table_name text not null,
    key text[] not null,
    import_id bigint not null,
    action text not null,
    columns text[],
    old jsonb,
    constraint catalog_changes_pkey primary key (table_name, key, import_id)
  )`,
};

/** What later versions of structdb added to catalog_imports. */
const ADDED = { content_sha256: 'text', encoding: 'text', tool_version: 'text' } as const;

/** What each book is written with: imports are opened, read and closed, the notes are only added. */
const WRITTEN_WITH: readonly (readonly [book: (typeof BOOKS)[number], privileges: readonly string[]])[] = [
  ['catalog_imports', ['SELECT', 'INSERT', 'UPDATE']],
  ['catalog_foundings', ['INSERT']],
  ['catalog_changes', ['INSERT']],
];

/** Of catalog_imports: a table that an older structdb made has fewer, until they are added. */
const COLUMNS = 15;

/**
 * Whether the books are there with every column, and the role may write them; null or false where that is not certain.
 * to_regclass fails for who may not use the schema; a column that is not there or was dropped gives null.
 */
export const HAS_BOOKS = `case when has_schema_privilege(to_regnamespace('structdb'), 'USAGE') then ${[
  ...WRITTEN_WITH.flatMap(([book, privileges]) =>
    privileges.map((privilege) => `has_table_privilege(to_regclass('structdb.${book}'), '${privilege}')`),
  ),
  ...Array.from(
    { length: COLUMNS },
    (_, at) => `has_column_privilege(to_regclass('structdb.catalog_imports'), ${at + 1}::smallint, 'INSERT')`,
  ),
].join(' and ')} end`;

/**
 * Creates the books that are missing, and the columns that an older structdb did not have. Asked first: CREATE … IF NOT EXISTS
 * needs the privilege even then. @throws PERMISSION_DENIED with the statements for the owner of an older table
 */
export async function ensureHistory(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ schema: boolean; books: string[]; columns: string[]; owner: boolean }>(
    `select to_regnamespace('structdb') is not null as schema,
      array(select name from unnest($1::text[]) as b(name) where to_regclass('structdb.' || name) is not null) as books,
      array(select attname::text from pg_attribute where attrelid = to_regclass('structdb.catalog_imports')
        and attnum > 0 and not attisdropped) as columns,
      coalesce((select pg_has_role(relowner, 'USAGE') from pg_class where oid = to_regclass('structdb.catalog_imports')),
        true) as owner`,
    [[...BOOKS]],
  );
  const { schema, books, columns, owner } = rows[0]!;
  if (!schema) await client.query('create schema structdb');
  const missing = Object.entries(ADDED).filter(([name]) => !columns.includes(name));
  if (books.includes('catalog_imports') && missing.length > 0) {
    const added = missing.map(([name, type]) => `add column if not exists ${name} ${type}`).join(', ');
    const statement = `alter table structdb.catalog_imports ${added}`;
    if (!owner) {
      throw new StructdbError('PERMISSION_DENIED', 'structdb.catalog_imports is of an older structdb.', {
        hint: `Its owner runs: ${statement};`,
      });
    }
    await client.query(statement);
  }
  for (const book of BOOKS) if (!books.includes(book)) await client.query(CREATE[book]);
}

/**
 * Opens the record of a file that is about to be imported, under the name that it was given by; `closeImport` completes it. Of
 * the catalogs that ship nobody gave one: where structdb is installed is nobody's business. Gives the number as `id`.
 */
export function openImport(file: string): Statement {
  return {
    text: `insert into structdb.catalog_imports
      (file, sha256, format, editions, inserted, updated, unchanged, retired, rejected, tool_version)
    values ($1, '', '', '[]', 0, 0, 0, 0, 0, $2) returning import_id::text as id`,
    values: [shippedCatalogs().includes(file) ? `catalogs/${path.basename(file)}` : file, toolVersion()],
  };
}

/** Completes the record of an import with what was read and what it changed. */
export async function closeImport(client: pg.Client, id: string, report: FileReport): Promise<void> {
  await client.query(
    `update structdb.catalog_imports set sha256 = $2, content_sha256 = $3, format = $4, encoding = $5, editions = $6,
      inserted = $7, updated = $8, unchanged = $9, retired = $10, rejected = $11 where import_id = $1`,
    [
      id,
      report.sha256,
      report.contentSha256,
      report.format,
      report.encoding,
      JSON.stringify(report.editions),
      report.inserted,
      report.updated,
      report.unchanged,
      report.retired,
      report.rejected,
    ],
  );
}

/** Notes groups that had no row before this import, and of which all that is there now is its. */
export async function recordFoundings(
  client: pg.Client,
  founding: {
    readonly importId: string;
    readonly table: string;
    readonly columns: Iterable<string>;
    readonly groups: readonly ScopeOf[];
  },
): Promise<void> {
  const { importId, table, columns, groups } = founding;
  if (groups.length === 0) return;
  await client.query(
    `insert into structdb.catalog_foundings (import_id, table_name, standard, edition, unit_system, variant, columns)
    select $1, $2, standard, edition, unit_system, variant, $3
    from unnest($4::text[], $5::text[], $6::text[], $7::text[]) as g(standard, edition, unit_system, variant)`,
    [importId, table, [...columns], ...groupParameters(groups)],
  );
}

export function groupParameters(groups: readonly ScopeOf[]): (string | null)[][] {
  return [
    groups.map((group) => group.standard),
    groups.map((group) => group.edition),
    groups.map((group) => group.unitSystem ?? null),
    groups.map((group) => group.variant ?? null),
  ];
}
