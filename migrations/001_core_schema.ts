import { type Kysely, sql } from 'kysely';
import { lockTables } from './lib/lock-tables.ts';

/** Rules of `structdb migrate lint` that do not apply here. */
export const lint = {
  'prefer-bigint-over-int':
    'versions count the changes of one project: a change each second fills an integer in 68 years',
};

/** Numbers of material_catalog with their units: US customary | SI. */
const MATERIAL_NUMBERS = [
  ['weight', 'Nominal weight per length: lb/ft | kg/m'],
  ['area', 'Cross-sectional area: in² | mm²'],
  ['depth', 'Overall depth: in | mm'],
  ['ix', 'Moment of inertia about the x-axis: in⁴ | mm⁴'],
  ['sx', 'Elastic section modulus about the x-axis: in³ | mm³'],
  ['zx', 'Plastic section modulus about the x-axis: in³ | mm³'],
  ['rx', 'Radius of gyration about the x-axis: in | mm'],
  ['iy', 'Moment of inertia about the y-axis: in⁴ | mm⁴'],
  ['sy', 'Elastic section modulus about the y-axis: in³ | mm³'],
  ['zy', 'Plastic section modulus about the y-axis: in³ | mm³'],
  ['ry', 'Radius of gyration about the y-axis: in | mm'],
  ['fy', 'Specified minimum yield stress: ksi | MPa'],
  ['fu', 'Specified minimum tensile strength: ksi | MPa'],
] as const;

/** Tables whose rows are never changed. */
const IMMUTABLE = ['project_payloads', 'project_events'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  const schema = db.withSchema('public').schema;

  await schema
    .createTable('projects')
    .addColumn('project_id', 'uuid', (column) => column.notNull().defaultTo(sql`gen_random_uuid()`))
    .addColumn('account_id', 'uuid', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('customer', 'text')
    .addColumn('site_name', 'text')
    .addColumn('status', 'text', (column) => column.notNull().defaultTo('draft'))
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('updated_by', 'text', (column) => column.notNull())
    .addColumn('created_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
    .addColumn('updated_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
    .addColumn('version', 'integer', (column) => column.notNull().defaultTo(1))
    .addPrimaryKeyConstraint('projects_pkey', ['project_id'])
    .addCheckConstraint('projects_name_check', sql`name <> ''`)
    .addCheckConstraint('projects_status_check', sql`status ~ '^[a-z][a-z_]*$'`)
    .addCheckConstraint('projects_version_check', sql`version > 0`)
    .execute();

  await schema
    .createTable('project_payloads')
    .addColumn('project_id', 'uuid', (column) => column.notNull())
    .addColumn('payload_id', 'bigint', (column) => column.notNull().generatedAlwaysAsIdentity())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('module', 'text', (column) => column.notNull())
    .addColumn('payload', 'jsonb', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('created_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
    .addPrimaryKeyConstraint('project_payloads_pkey', ['project_id', 'payload_id'])
    .addForeignKeyConstraint('project_payloads_project_id_fkey', ['project_id'], 'projects', ['project_id'])
    .addCheckConstraint('project_payloads_version_check', sql`version > 0`)
    .addCheckConstraint('project_payloads_module_check', sql`module <> ''`)
    .execute();

  await schema
    .createTable('project_events')
    .addColumn('project_id', 'uuid', (column) => column.notNull())
    .addColumn('event_id', 'bigint', (column) => column.notNull().generatedAlwaysAsIdentity())
    .addColumn('event_type', 'text', (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('occurred_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
    .addColumn('data', 'jsonb', (column) => column.notNull().defaultTo(sql`'{}'::jsonb`))
    .addPrimaryKeyConstraint('project_events_pkey', ['project_id', 'event_id'])
    .addForeignKeyConstraint('project_events_project_id_fkey', ['project_id'], 'projects', ['project_id'])
    .addCheckConstraint('project_events_event_type_check', sql`event_type ~ '^[a-z][a-z_]*$'`)
    .addCheckConstraint('project_events_actor_check', sql`actor <> ''`)
    .execute();

  await schema
    .createTable('material_catalog')
    .addColumn('standard', 'text', (column) => column.notNull())
    .addColumn('edition', 'text', (column) => column.notNull())
    .addColumn('unit_system', 'text', (column) => column.notNull())
    .addColumn('designation', 'text', (column) => column.notNull())
    .addColumn('variant', 'text', (column) => column.notNull().defaultTo(''))
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('shape_type', 'text')
    .addColumn('manual_label', 'text')
    .addColumn('product_form', 'text')
    .addColumn('weight', 'numeric')
    .addColumn('area', 'numeric')
    .addColumn('depth', 'numeric')
    .addColumn('ix', 'numeric')
    .addColumn('sx', 'numeric')
    .addColumn('zx', 'numeric')
    .addColumn('rx', 'numeric')
    .addColumn('iy', 'numeric')
    .addColumn('sy', 'numeric')
    .addColumn('zy', 'numeric')
    .addColumn('ry', 'numeric')
    .addColumn('fy', 'numeric')
    .addColumn('fu', 'numeric')
    .addColumn('properties', 'jsonb', (column) => column.notNull().defaultTo(sql`'{}'::jsonb`))
    .addColumn('retired_at', 'timestamptz')
    .addPrimaryKeyConstraint('material_catalog_pkey', ['standard', 'edition', 'unit_system', 'designation', 'variant'])
    .addCheckConstraint('material_catalog_unit_system_check', sql`unit_system in ('US', 'SI')`)
    .addCheckConstraint('material_catalog_kind_check', sql`kind in ('shape', 'material', 'bolt')`)
    .addCheckConstraint(
      'material_catalog_designation_check',
      sql`designation <> '' and designation = upper(designation)`,
    )
    .addCheckConstraint('material_catalog_properties_check', sql`jsonb_typeof(properties) = 'object'`)
    // numeric also knows NaN and Infinity, and NaN is greater than every number.
    .addCheckConstraint(
      'material_catalog_numbers_check',
      sql.raw(MATERIAL_NUMBERS.map(([name]) => `${name} > 0 and ${name} < 'Infinity'`).join(' and ')),
    )
    .execute();

  await schema
    .createTable('code_references')
    .addColumn('standard', 'text', (column) => column.notNull())
    .addColumn('edition', 'text', (column) => column.notNull())
    .addColumn('section', 'text', (column) => column.notNull())
    .addColumn('title', 'text', (column) => column.notNull())
    .addColumn('topic', 'text')
    .addColumn('expression', 'text')
    .addColumn('url', 'text')
    .addPrimaryKeyConstraint('code_references_pkey', ['standard', 'edition', 'section'])
    .addCheckConstraint('code_references_section_check', sql`section <> ''`)
    .execute();

  await commentTables(db);
  await addVersionTrigger(db);
  await addImmutabilityTriggers(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await lockTables(db, ['project_events', 'project_payloads', 'projects', 'material_catalog', 'code_references']);
  const schema = db.withSchema('public').schema;
  await schema.dropTable('code_references').execute();
  await schema.dropTable('material_catalog').execute();
  await schema.dropTable('project_events').execute();
  await schema.dropTable('project_payloads').execute();
  await schema.dropTable('projects').execute();
  await sql`drop function public.refuse_change()`.execute(db);
  await sql`drop function public.projects_next_version()`.execute(db);
}

async function commentTables(db: Kysely<unknown>): Promise<void> {
  await sql`comment on table public.projects is 'Project metadata; version is the optimistic lock'`.execute(db);
  await sql`comment on table public.project_payloads is 'Design snapshots; never updated or deleted'`.execute(db);
  await sql`comment on table public.project_events is 'Audit log; never updated or deleted'`.execute(db);
  await sql`comment on table public.material_catalog is 'Shapes and materials, one row per unit system'`.execute(db);
  await sql`comment on table public.code_references is 'Sections of building codes and specifications'`.execute(db);
  for (const [name, comment] of MATERIAL_NUMBERS) {
    await sql`comment on column ${sql.ref(`public.material_catalog.${name}`)} is ${sql.lit(comment)}`.execute(db);
  }
}

/** The lock cannot be forgotten or cheated: whatever the statement says, the version grows by one. */
async function addVersionTrigger(db: Kysely<unknown>): Promise<void> {
  await sql`create function public.projects_next_version() returns trigger language plpgsql as $$
begin
  new.version := old.version + 1;
  new.updated_at := now();
  return new;
end $$`.execute(db);
  await sql`create trigger projects_next_version before update on public.projects
    for each row execute function public.projects_next_version()`.execute(db);
}

/**
 * Statement-level, because MERGE and INSERT … ON CONFLICT DO UPDATE fire these even when they touch no row; ENABLE
 * ALWAYS, because session_replication_role = replica silences ordinary triggers. TRUNCATE needs a trigger of its own.
 * INSERT and COPY stay free, so pg_restore works.
 */
async function addImmutabilityTriggers(db: Kysely<unknown>): Promise<void> {
  await sql`create function public.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception using
    errcode = 'restrict_violation',
    message = format('%s is refused: rows of %I are never changed or removed', tg_op, tg_table_name),
    hint = 'Insert a new row instead; a project that is no longer needed gets status archived.';
end $$`.execute(db);
  for (const table of IMMUTABLE) {
    const onTable = sql.table(`public.${table}`);
    for (const [suffix, events] of [
      ['refuse_change', 'update or delete'],
      ['refuse_truncate', 'truncate'],
    ] as const) {
      const trigger = sql.ref(`${table}_${suffix}`);
      await sql`create trigger ${trigger} before ${sql.raw(events)} on ${onTable}
        for each statement execute function public.refuse_change()`.execute(db);
      await sql`alter table ${onTable} enable always trigger ${trigger}`.execute(db);
    }
    await revokeChanges(db, table);
  }
}

/**
 * The second layer: nobody but the owner keeps a privilege to change, not even through ALTER DEFAULT PRIVILEGES.
 * The owner keeps his, so that he reads the triggers' message, and because the foreign key's check of a deleted project
 * needs UPDATE here.
 */
async function revokeChanges(db: Kysely<unknown>, table: string): Promise<void> {
  await sql
    .raw(`do $$
declare
  grantee text;
begin
  for grantee in
    select distinct case a.grantee when 0 then 'public' else a.grantee::regrole::text end
    from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
    where c.oid = 'public.${table}'::regclass
      and a.grantee <> c.relowner
      and a.privilege_type in ('UPDATE', 'DELETE', 'TRUNCATE')
  loop
    execute format('revoke update, delete, truncate on public.${table} from %s', grantee);
  end loop;
end $$`)
    .execute(db);
}
