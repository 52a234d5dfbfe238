import { type Kysely, sql } from 'kysely';
import { addConstraint, type ConstraintDefinition, validateConstraint } from './lib/constraints.ts';
import { DASHBOARD_V1, DASHBOARD_V2, replaceDashboard } from './lib/dashboard.ts';
import { buildIndexes, dropIndexes, type IndexDefinition } from './lib/indexes.ts';

/** Concurrent index builds cannot run in a transaction; each statement here can be run again instead. */
export const config = { transaction: false };

/** Rules of `structdb migrate lint` that do not apply here. */
export const lint = {
  'prefer-robust-stmts': 'VALIDATE CONSTRAINT does nothing when it is run again',
};

const TABLES = ['projects', 'project_payloads'] as const;

const COLUMNS = [
  ['constants_version', 'text', 'Release of calibration_constants that was used'],
  ['content_sha256', 'text', 'SHA-256 of the RFC 8785 form of the payload, 64 lower-case hex digits'],
  ['confidence', 'numeric', 'How far the result is trusted, 0 to 1'],
] as const;

/** Each with the query it serves. */
const INDEXES: readonly IndexDefinition[] = [
  // the active board, newest first
  { name: 'projects_active_updated_at_idx', on: `projects (updated_at desc) where status = 'active'` },
  // the optimistic lock: two writers cannot both store version n
  { name: 'project_payloads_project_id_version_key', unique: true, on: 'project_payloads (project_id, version)' },
  // which project stands at this design
  { name: 'projects_content_sha256_idx', on: 'projects (content_sha256)' },
  // what was calculated with a release
  { name: 'projects_constants_version_idx', on: 'projects (constants_version)' },
  // where a snapshot was stored
  { name: 'project_payloads_content_sha256_idx', on: 'project_payloads (content_sha256)' },
  // a shape by its designation
  { name: 'material_catalog_designation_idx', on: 'material_catalog (designation)' },
  // the projects of a customer
  { name: 'projects_customer_idx', on: 'projects (customer)' },
];

const CHECKS: readonly ConstraintDefinition[] = TABLES.flatMap((table) => [
  {
    table,
    name: `${table}_content_sha256_check`,
    definition: `check (content_sha256 ~ '^[0-9a-f]{64}$')`,
  },
  // NaN is greater than 1.
  { table, name: `${table}_confidence_check`, definition: 'check (confidence >= 0 and confidence <= 1)' },
]);

/** Never validated: payloads from before keep NULL, because a hash computed now would prove nothing about then. */
const HASH_REQUIRED: ConstraintDefinition = {
  table: 'project_payloads',
  name: 'project_payloads_content_sha256_required',
  definition: 'check (content_sha256 is not null)',
};

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of TABLES) {
    for (const [column, type, comment] of COLUMNS) {
      const qualified = sql.table(`public.${table}`);
      await sql`alter table ${qualified} add column if not exists ${sql.ref(column)} ${sql.raw(type)}`.execute(db);
      await sql`comment on column ${sql.ref(`public.${table}.${column}`)} is ${sql.lit(comment)}`.execute(db);
    }
  }
  for (const check of CHECKS) await addConstraint(db, check);
  for (const check of CHECKS) await validateConstraint(db, check);
  await addConstraint(db, HASH_REQUIRED);
  await addReleaseCheck(db);
  await buildIndexes(db, INDEXES);
  await replaceDashboard(db, DASHBOARD_V2, { whenItHasConfidence: false });
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await replaceDashboard(db, DASHBOARD_V1, { whenItHasConfidence: true });
  await dropIndexes(db, INDEXES);
  for (const table of TABLES) {
    await sql`drop trigger if exists ${sql.ref(`${table}_release_exists`)} on ${sql.table(`public.${table}`)}`.execute(
      db,
    );
  }
  await sql`drop function if exists public.check_constants_release()`.execute(db);
  for (const { table, name } of [HASH_REQUIRED, ...CHECKS]) {
    await sql`alter table ${sql.table(`public.${table}`)} drop constraint if exists ${sql.ref(name)}`.execute(db);
  }
  for (const table of TABLES.toReversed()) {
    for (const [column] of COLUMNS.toReversed()) {
      await sql`alter table ${sql.table(`public.${table}`)} drop column if exists ${sql.ref(column)}`.execute(db);
    }
  }
}

/**
 * A release is a label that many rows of calibration_constants share, so a foreign key cannot name it. Deferred: a
 * release and the first project that uses it may come in one transaction, in any order.
 */
async function addReleaseCheck(db: Kysely<unknown>): Promise<void> {
  await sql`create or replace function public.check_constants_release() returns trigger language plpgsql as $$
begin
  if not exists (select from public.calibration_constants where version = new.constants_version) then
    raise exception using
      errcode = 'foreign_key_violation',
      message = format('%I names the release %L, which calibration_constants does not have',
        tg_table_name, new.constants_version),
      hint = 'Publish the release first, or use the label of one that exists.';
  end if;
  return null;
end $$`.execute(db);
  for (const table of TABLES) {
    await sql
      .raw(`do $$
begin
  if not exists (
    select from pg_catalog.pg_trigger
    where tgrelid = 'public.${table}'::regclass and tgname = '${table}_release_exists'
  ) then
    create constraint trigger ${table}_release_exists
      after insert or update of constants_version on public.${table}
      deferrable initially deferred
      for each row when (new.constants_version is not null)
      execute function public.check_constants_release();
  end if;
end $$`)
      .execute(db);
  }
}
