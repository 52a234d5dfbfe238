import { type Kysely, sql } from 'kysely';
import { createDashboard, DASHBOARD_V1 } from './lib/dashboard.ts';
import { buildIndexes, dropIndexes, type IndexDefinition } from './lib/indexes.ts';
import { ensureMemory } from './lib/memory.ts';

/** Concurrent index builds cannot run in a transaction; each statement here can be run again instead. */
export const config = { transaction: false };

/** Rules of `structdb migrate lint` that do not apply here. */
export const lint = {
  'require-concurrent-index-creation': 'the index of a materialised view that was made by the statement before it',
};

const NAME = '005_performance_monitoring';
const LIMIT = '30s';

/** Each with the query it serves. */
const INDEXES: readonly IndexDefinition[] = [
  // the project list of an account, newest first
  { name: 'projects_account_id_status_updated_at_idx', on: 'projects (account_id, status, updated_at desc)' },
  // the audit trail of a project, newest first
  { name: 'project_events_project_id_occurred_at_idx', on: 'project_events (project_id, occurred_at desc)' },
  // the lightest W with Zx ≥ x
  { name: 'material_catalog_unit_system_shape_type_zx_idx', on: 'material_catalog (unit_system, shape_type, zx)' },
  // what somebody created
  { name: 'projects_created_by_idx', on: 'projects (created_by)' },
  // what was created in a period
  { name: 'projects_created_at_idx', on: 'projects (created_at)' },
  // events of one kind
  { name: 'project_events_event_type_idx', on: 'project_events (event_type)' },
  // what somebody did
  { name: 'project_events_actor_idx', on: 'project_events (actor)' },
];

export async function up(db: Kysely<unknown>): Promise<void> {
  await ensureMemory(db);
  await limitStatements(db);
  await createStatementStatistics(db);
  await buildIndexes(db, INDEXES);
  await createDashboard(db, DASHBOARD_V1);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop materialized view if exists public.project_dashboard`.execute(db);
  await dropIndexes(db, INDEXES);
  await dropStatementStatistics(db);
  await putBackStatementLimit(db);
}

/** 30 s for the platform's connections. The former value (NULL: none) is remembered once, also when run again. */
async function limitStatements(db: Kysely<unknown>): Promise<void> {
  await sql`do $$
begin
  insert into structdb.migration_memory (migration, item, value)
  values (${sql.lit(NAME)}, 'statement_timeout', ${sql.raw(CURRENT_LIMIT)})
  on conflict do nothing;
  execute format('alter database %I set statement_timeout = %L', current_database(), ${sql.lit(LIMIT)});
end $$`.execute(db);
}

async function putBackStatementLimit(db: Kysely<unknown>): Promise<void> {
  await sql`do $$
declare
  former structdb.migration_memory;
begin
  delete from structdb.migration_memory
  where migration = ${sql.lit(NAME)} and item = 'statement_timeout'
  returning * into former;
  if former.migration is null then
    return;
  end if;
  if ${sql.raw(CURRENT_LIMIT)} is distinct from ${sql.lit(LIMIT)} then
    raise notice 'statement_timeout of this database was changed since: left as it is';
  elsif former.value is null then
    execute format('alter database %I reset statement_timeout', current_database());
  else
    execute format('alter database %I set statement_timeout = %L', current_database(), former.value);
  end if;
end $$`.execute(db);
}

/** What ALTER DATABASE … SET says now, for all roles; NULL when nothing. */
const CURRENT_LIMIT = `(
    select split_part(setting, '=', 2)
    from pg_catalog.pg_db_role_setting s, unnest(s.setconfig) as setting
    where s.setrole = 0
      and s.setdatabase = (select oid from pg_catalog.pg_database where datname = current_database())
      and setting like 'statement_timeout=%'
  )`;

/**
 * pg_stat_statements goes where every exporter looks for it. It is not a trusted extension and counts only when the
 * server preloads it: what this role or server does not allow is told and left out.
 */
async function createStatementStatistics(db: Kysely<unknown>): Promise<void> {
  await sql`do $$
begin
  if exists (select from pg_catalog.pg_extension where extname = 'pg_stat_statements') then
    return;
  end if;
  if not exists (select from pg_catalog.pg_settings where name = 'pg_stat_statements.max') then
    raise notice 'pg_stat_statements is not loaded by this server: left out'
      using hint = 'Add it to shared_preload_libraries, restart, and as a superuser: CREATE EXTENSION pg_stat_statements SCHEMA public';
    return;
  end if;
  create extension pg_stat_statements with schema public;
  insert into structdb.migration_memory (migration, item) values (${sql.lit(NAME)}, 'extension pg_stat_statements')
    on conflict do nothing;
exception when insufficient_privilege or undefined_file or feature_not_supported then
  raise notice 'pg_stat_statements is left out: %', sqlerrm
    using hint = 'As a superuser in this database: CREATE EXTENSION pg_stat_statements SCHEMA public';
end $$`.execute(db);
}

async function dropStatementStatistics(db: Kysely<unknown>): Promise<void> {
  await sql`do $$
begin
  if exists (
    select from structdb.migration_memory where migration = ${sql.lit(NAME)} and item = 'extension pg_stat_statements'
  ) then
    drop extension if exists pg_stat_statements;
    delete from structdb.migration_memory
    where migration = ${sql.lit(NAME)} and item = 'extension pg_stat_statements';
  end if;
exception when dependent_objects_still_exist then
  raise notice 'pg_stat_statements is left, because other objects use it';
end $$`.execute(db);
}
