import type pg from 'pg';
import type { FileReport } from '../result.ts';

/** Creates structdb.catalog_imports where it is missing. Asked first: CREATE … IF NOT EXISTS needs the privilege even then. */
export async function ensureHistory(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ schema: string | null; history: string | null }>(
    `select to_regnamespace('structdb')::text as schema, to_regclass('structdb.catalog_imports')::text as history`,
  );
  if (rows[0]!.schema === null) await client.query('create schema structdb');
  if (rows[0]!.history !== null) return;
  await client.query(`create table structdb.catalog_imports (
    import_id bigint generated always as identity,
    imported_at timestamptz not null default now(),
    imported_by text not null default current_user,
    file text not null,
    sha256 text not null,
    format text not null,
    editions jsonb not null,
    inserted integer not null,
    updated integer not null,
    unchanged integer not null,
    retired integer not null,
    rejected integer not null,
    constraint catalog_imports_pkey primary key (import_id)
  )`);
}

/** Notes that a file was imported, with its content's hash and what it changed. */
export async function recordImport(client: pg.Client, report: FileReport): Promise<void> {
  await client.query(
    `insert into structdb.catalog_imports
      (file, sha256, format, editions, inserted, updated, unchanged, retired, rejected)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      report.file,
      report.sha256,
      report.format,
      JSON.stringify(report.editions),
      report.inserted,
      report.updated,
      report.unchanged,
      report.retired,
      report.rejected,
    ],
  );
}
