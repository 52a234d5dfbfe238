import { type Kysely, sql } from 'kysely';
import { ensureMemory } from './lib/memory.ts';

const NAME = '003_calibration_pricing';

/** Rules of `structdb migrate lint` that do not apply here. */
export const lint = {
  'ban-char-field': 'a currency code of ISO 4217 has three letters, which a check holds',
};

export async function up(db: Kysely<unknown>): Promise<void> {
  await ensureMemory(db);
  await createBtreeGist(db);
  const schema = db.withSchema('public').schema;

  await schema
    .createTable('calibration_constants')
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('version', 'text', (column) => column.notNull())
    .addColumn('value', 'numeric', (column) => column.notNull())
    .addColumn('unit', 'text', (column) => column.notNull())
    .addColumn('description', 'text', (column) => column.notNull())
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('effective', sql`daterange`, (column) => column.notNull())
    .addPrimaryKeyConstraint('calibration_constants_pkey', ['name', 'version'])
    .addCheckConstraint('calibration_constants_name_check', sql`name <> ''`)
    .addCheckConstraint('calibration_constants_version_check', sql`version <> ''`)
    .addCheckConstraint('calibration_constants_value_check', sql`value > '-Infinity' and value < 'Infinity'`)
    .addCheckConstraint('calibration_constants_effective_check', sql`${validRange}`)
    .execute();

  await schema
    .createTable('pricing_configs')
    .addColumn('item_code', 'text', (column) => column.notNull())
    .addColumn('version', 'text', (column) => column.notNull())
    .addColumn('unit_price', 'numeric(12, 2)', (column) => column.notNull())
    .addColumn('currency', 'char(3)', (column) => column.notNull())
    .addColumn('unit', 'text', (column) => column.notNull())
    .addColumn('effective', sql`daterange`, (column) => column.notNull())
    .addPrimaryKeyConstraint('pricing_configs_pkey', ['item_code', 'version'])
    .addCheckConstraint('pricing_configs_item_code_check', sql`item_code <> ''`)
    .addCheckConstraint('pricing_configs_version_check', sql`version <> ''`)
    // numeric(12,2) holds NaN too, and NaN is greater than zero.
    .addCheckConstraint('pricing_configs_unit_price_check', sql`unit_price >= 0 and unit_price <> 'NaN'`)
    .addCheckConstraint('pricing_configs_currency_check', sql`currency ~ '^[A-Z]{3}$'`)
    .addCheckConstraint('pricing_configs_effective_check', sql`${validRange}`)
    .execute();

  await refuseOverlaps(db, 'calibration_constants', 'name');
  await refuseOverlaps(db, 'pricing_configs', 'item_code');
  await sql`comment on table public.calibration_constants is
    'Engineering constants; version is the label of a release of the whole set'`.execute(db);
  await sql`comment on table public.pricing_configs is 'Prices; version is the label of a release'`.execute(db);
  await sql`comment on column public.pricing_configs.unit_price is
    'Price of one unit, in the currency of the row'`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  const schema = db.withSchema('public').schema;
  await schema.dropTable('pricing_configs').execute();
  await schema.dropTable('calibration_constants').execute();
  await dropBtreeGist(db);
}

/** Every date of a constant must answer "which value?" once: a range, not empty, with a first day. */
const validRange = sql.raw(
  `not isempty(effective) and not lower_inf(effective) and lower(effective) > '-infinity'::date`,
);

/** Deferred, so that a new version and the end of its predecessor's range may come in any order in one transaction. */
async function refuseOverlaps(db: Kysely<unknown>, table: string, key: string): Promise<void> {
  await sql`alter table ${sql.table(`public.${table}`)}
    add constraint ${sql.ref(`${table}_effective_excl`)}
    exclude using gist (${sql.ref(key)} with =, effective with &&)
    deferrable initially deferred`.execute(db);
}

/** btree_gist is trusted: the owner of the database may create it. An existing one is used wherever it is. */
async function createBtreeGist(db: Kysely<unknown>): Promise<void> {
  await sql`do $$
begin
  if exists (select from pg_catalog.pg_extension where extname = 'btree_gist') then
    return;
  end if;
  if not exists (select from pg_catalog.pg_namespace where nspname = 'extensions') then
    create schema extensions;
    insert into structdb.migration_memory (migration, item) values (${sql.lit(NAME)}, 'schema extensions')
      on conflict do nothing;
  end if;
  create extension btree_gist with schema extensions;
  insert into structdb.migration_memory (migration, item) values (${sql.lit(NAME)}, 'extension btree_gist')
    on conflict do nothing;
end $$`.execute(db);
}

/** Drops what this migration created, unless somebody else came to depend on it. */
async function dropBtreeGist(db: Kysely<unknown>): Promise<void> {
  await sql`do $$
declare
  created text;
begin
  for created in
    select item from structdb.migration_memory where migration = ${sql.lit(NAME)} order by item
  loop
    begin
      execute format('drop %s', created);
    exception when dependent_objects_still_exist then
      raise notice '%: left, because other objects use it', created;
    end;
  end loop;
  delete from structdb.migration_memory where migration = ${sql.lit(NAME)};
end $$`.execute(db);
}
