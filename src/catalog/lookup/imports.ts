import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { quoteIdentifier, withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { requireSupportedServer } from '../../postgres/server-version.ts';
import type { EditionCount, ImportCounts } from '../result.ts';

/** One file that was imported. */
export interface ImportRecord extends ImportCounts {
  readonly id: number;
  /** ISO 8601. */
  readonly at: string;
  /** The role of the database. */
  readonly by: string;
  /** As it was named to the import. */
  readonly file: string;
  /** Of its bytes. */
  readonly sha256: string;
  /** Of what its rows say; null where that was not computed. */
  readonly contentSha256: string | null;
  readonly format: string;
  readonly encoding: string | null;
  readonly editions: readonly EditionCount[];
  /** Of structdb; null for imports by versions that did not note it. */
  readonly toolVersion: string | null;
}

/** Which of structdb's own tables are there and may be read: a role that only looks things up need not see them. */
export async function readableBooks(client: pg.Client): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'structdb' and c.relkind = 'r'
      and has_schema_privilege(n.oid, 'USAGE') and has_table_privilege(c.oid, 'SELECT')`,
  );
  return new Set(rows.map(({ name }) => name));
}

/** The imports, newest first. @throws PERMISSION_DENIED where there may be some that the role may not read */
export async function listImports(
  options: Readonly<{ connection: ConnectionSettings; limit?: number }>,
  context: RunContext,
): Promise<{ readonly imports: readonly ImportRecord[] }> {
  return withClient(options.connection, profiles.probe, context, async (client) => {
    await requireSupportedServer(client);
    await requireReadableImports(client);
    return { imports: await readImports(client, { limit: options.limit ?? 20 }) };
  });
}

/** An empty list would say that nothing was imported. */
async function requireReadableImports(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ readable: boolean; database: string; role: string }>(
    `select has_schema_privilege(n.oid, 'USAGE') and has_table_privilege(c.oid, 'SELECT') as readable,
      current_database() as database, current_user as role
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'structdb' and c.relname = 'catalog_imports'`,
  );
  const [table] = rows;
  if (table === undefined || table.readable) return;
  const role = quoteIdentifier(table.role);
  throw new StructdbError(
    'PERMISSION_DENIED',
    `"${table.role}" may not read the imports of database "${table.database}".`,
    {
      hint: `The owner runs: GRANT USAGE ON SCHEMA structdb TO ${role}; GRANT SELECT ON structdb.catalog_imports TO ${role};`,
    },
  );
}

/** By number, or the newest ones. */
export async function readImports(
  client: pg.Client,
  which: { readonly limit: number } | { readonly ids: readonly number[] },
): Promise<ImportRecord[]> {
  if (!(await readableBooks(client)).has('catalog_imports')) return [];
  // As JSON, because a table of an older structdb has fewer columns.
  const { rows } = await client.query<{ record: StoredImport }>(
    `select to_jsonb(i) as record from structdb.catalog_imports i
    where $1::bigint[] is null or import_id = any($1) order by import_id desc limit $2`,
    'ids' in which ? [which.ids, null] : [null, which.limit],
  );
  return rows.map(({ record }) => ({
    id: record.import_id,
    at: new Date(record.imported_at).toISOString(),
    by: record.imported_by,
    file: record.file,
    sha256: record.sha256,
    contentSha256: record.content_sha256 ?? null,
    format: record.format,
    encoding: record.encoding ?? null,
    editions: record.editions,
    toolVersion: record.tool_version ?? null,
    inserted: record.inserted,
    updated: record.updated,
    unchanged: record.unchanged,
    retired: record.retired,
    rejected: record.rejected,
  }));
}

interface StoredImport extends ImportCounts {
  readonly import_id: number;
  readonly imported_at: string;
  readonly imported_by: string;
  readonly file: string;
  readonly sha256: string;
  readonly content_sha256?: string | null;
  readonly format: string;
  readonly encoding?: string | null;
  readonly editions: readonly EditionCount[];
  readonly tool_version?: string | null;
}
