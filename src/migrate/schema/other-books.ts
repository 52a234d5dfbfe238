import type pg from 'pg';
import { quoteIdentifier } from '../../postgres/connect.ts';

/** A table in which another migration tool keeps what it has applied. */
export interface OtherBooks {
  readonly tool: string;
  /** `public.alembic_version` */
  readonly table: string;
  /** Where it is, when the tool tells it in one value. */
  readonly version: string | null;
}

/** The default table of each tool in schema public, and the column of one that holds the current version. */
const KNOWN: readonly { readonly tool: string; readonly table: string; readonly version?: string }[] = [
  { tool: 'Alembic', table: 'alembic_version', version: 'version_num' },
  { tool: 'dbmate, golang-migrate or Rails', table: 'schema_migrations' },
  { tool: 'Flyway', table: 'flyway_schema_history' },
  { tool: 'kysely', table: 'kysely_migration' },
  { tool: 'kysely', table: 'kysely_migration_lock' },
  { tool: 'Knex', table: 'knex_migrations' },
  { tool: 'Knex', table: 'knex_migrations_lock' },
  { tool: 'node-pg-migrate', table: 'pgmigrations' },
  { tool: 'Prisma', table: '_prisma_migrations' },
];

/** The books of other tools that are in the database. */
export async function findOtherBooks(client: pg.Client): Promise<OtherBooks[]> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class
      where relnamespace = to_regnamespace('public') and relkind = 'r' and relname = any($1)`,
    [KNOWN.map(({ table }) => table)],
  );
  const present = new Set(rows.map(({ name }) => name));
  const found: OtherBooks[] = [];
  for (const { tool, table, version } of KNOWN.filter((known) => present.has(known.table))) {
    found.push({ tool, table: `public.${table}`, version: version ? await readVersion(client, table, version) : null });
  }
  return found;
}

/** Several rows are the several heads of branches. */
async function readVersion(client: pg.Client, table: string, column: string): Promise<string | null> {
  const { rows } = await client.query<{ version: string | null }>(
    `select string_agg(${quoteIdentifier(column)}::text, ', ' order by ${quoteIdentifier(column)}) as version from public.${quoteIdentifier(table)}`,
  );
  return rows[0]!.version;
}
