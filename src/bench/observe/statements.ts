import type pg from 'pg';
import { quoteIdentifier } from '../../postgres/connect.ts';

/** What pg_stat_statements has counted of one statement. */
export interface StatementCounts {
  readonly calls: number;
  readonly hits: number;
  readonly reads: number;
  /** Running alone, without parsing and planning, ms of all calls. */
  readonly executionMs: number;
}

export interface StatementReading {
  /** Empty where the extension does not tell. */
  readonly resetAt: string;
  readonly counts: ReadonlyMap<string, StatementCounts>;
}

/** Why queries are not counted one by one. */
export type NotCounted =
  /** The server does not load the library. */
  | 'not loaded'
  /** The database lacks the extension, which a superuser creates. */
  | 'not created'
  /** Settings keep it from counting. */
  | 'switched off';

/** Where pg_stat_statements is in this database, or why it is of no use. */
export type StatementStatistics = { readonly schema: string; readonly version: string } | NotCounted;

export async function findStatementStatistics(client: pg.Client): Promise<StatementStatistics> {
  const { rows } = await client.query<{
    loaded: boolean;
    off: boolean;
    schema: string | null;
    version: string | null;
  }>(
    `select current_setting('pg_stat_statements.max', true) is not null
         and exists (select from pg_catalog.pg_settings where name = 'pg_stat_statements.max') as loaded,
       coalesce(current_setting('pg_stat_statements.track', true) = 'none', false)
         or current_setting('compute_query_id') = 'off' as off,
       (select nspname from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = extnamespace
          where extname = 'pg_stat_statements') as schema,
       (select extversion from pg_catalog.pg_extension where extname = 'pg_stat_statements') as version`,
  );
  const { loaded, off, schema, version } = rows[0]!;
  if (!loaded) return 'not loaded';
  if (schema === null || version === null) return 'not created';
  return off ? 'switched off' : { schema, version };
}

/** What has been counted since the last reset under these identifiers, by all roles of this database. */
export async function readStatements(
  client: pg.Client,
  statistics: { readonly schema: string; readonly version: string },
  queryIds: readonly string[],
): Promise<StatementReading> {
  const { rows } = await client.query<{
    id: string | null;
    calls: number;
    hits: number;
    reads: number;
    execution_ms: number;
    reset_at: string;
  }>(statementsQuery(statistics), [queryIds]);
  return {
    resetAt: rows[0]?.reset_at ?? '',
    counts: new Map(
      rows.flatMap(({ id, calls, hits, reads, execution_ms: executionMs }) =>
        id === null ? [] : [[id, { calls, hits, reads, executionMs }]],
      ),
    ),
  };
}

/**
 * The extension may be older than its server: ALTER EXTENSION … UPDATE is not done by pg_upgrade. 1.9 (PostgreSQL 14) brought
 * pg_stat_statements_info and tells statements within functions apart; 1.8 tells running from planning, which was not counted
 * before. The columns of blocks have had one name throughout.
 * `false` leaves out the texts, which are read from a file.
 */
export function statementsQuery({ schema, version }: { readonly schema: string; readonly version: string }): string {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNew = major > 1 || (major === 1 && minor >= 9);
  const executionMs = major > 1 || (major === 1 && minor >= 8) ? 'total_exec_time' : 'total_time';
  const of = quoteIdentifier(schema);
  const resetAt = isNew ? `(select stats_reset::text from ${of}.pg_stat_statements_info)` : `''`;
  return `select s.*, coalesce(${resetAt}, '') as reset_at
    from (values (1)) one (row)
    left join (
      select queryid::text as id, sum(calls)::float8 as calls, sum(shared_blks_hit)::float8 as hits,
        sum(shared_blks_read)::float8 as reads, sum(${executionMs})::float8 as execution_ms
      from ${of}.pg_stat_statements(false)
      where dbid = (select oid from pg_catalog.pg_database where datname = current_database())
        and queryid = any ($1::bigint[])${isNew ? ' and toplevel' : ''}
      group by queryid
    ) s on true`;
}

/** What somebody can do about it. */
export function adviceOn(reason: NotCounted): string {
  switch (reason) {
    case 'not loaded':
      return 'this server does not load pg_stat_statements: add it to shared_preload_libraries and restart';
    case 'not created':
      return 'the database has no extension pg_stat_statements, which this role may not create: as a superuser, CREATE EXTENSION pg_stat_statements in template1, or in the database that --into names';
    case 'switched off':
      return 'settings keep pg_stat_statements from counting: pg_stat_statements.track must be top or all, compute_query_id auto or on';
  }
}
