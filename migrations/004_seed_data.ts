import { type Kysely, sql } from 'kysely';
import { columnsOf, type SeedTable, seedStatement, unseedStatement } from './lib/seeds.ts';

const NAME = '004_seed_data';

/** Rules of `structdb migrate lint` that do not apply here. */
export const lint = {
  'data-and-schema-change': 'the table that remembers the seeds belongs to them, and nobody else uses it',
};

/** Sections that the constants below are taken from; the same rows as in catalogs/code-references.csv. */
const CODE_REFERENCES: SeedTable = {
  name: 'code_references',
  key: ['standard', 'edition', 'section'],
  columns: { standard: 'text', edition: 'text', section: 'text', title: 'text', topic: 'text' },
  rows: [
    ['AISC 360', '22', 'D2', 'Tensile Strength', 'tension'],
    ['AISC 360', '22', 'E1', 'General Provisions', 'compression'],
    ['AISC 360', '22', 'E3', 'Flexural Buckling of Members without Slender Elements', 'compression'],
    ['AISC 360', '22', 'F1', 'General Provisions', 'flexure'],
    ['AISC 360', '22', 'G1', 'General Provisions', 'shear'],
    ['AISC 360', '22', 'G2', 'I-Shaped Members and Channels', 'shear'],
    ['ASCE/SEI 7', '22', 'Chapter 2', 'Combinations of Loads', 'load combinations'],
    ['ASCE/SEI 7', '22', 'Chapter 26', 'Wind Loads - General Requirements', 'wind'],
  ],
  /** A constant's source is "<standard>-<edition> <section>". */
  citedBy: `select from public.calibration_constants c
    where c.source = seeded.standard || '-' || seeded.edition || ' ' || seeded.section`,
};

/** Grades that are priced below; the same rows as in catalogs/astm-grades.csv. Stresses in ksi. */
const MATERIAL_CATALOG: SeedTable = {
  name: 'material_catalog',
  key: ['standard', 'edition', 'unit_system', 'designation', 'variant'],
  columns: {
    standard: 'text',
    edition: 'text',
    unit_system: 'text',
    designation: 'text',
    variant: 'text',
    kind: 'text',
    product_form: 'text',
    fy: 'numeric',
    fu: 'numeric',
    properties: 'jsonb',
  },
  rows: [
    [
      'ASTM A992',
      'undated',
      'US',
      '50',
      'w-shapes',
      'material',
      'W-shapes',
      '50',
      '65',
      '{"fy_max": 65, "source": "Materials for Civil and Construction Engineers, Table 3.2; AISC Manual, Table 2-4; AISC Steelwise, January 2009"}',
    ],
    [
      'ASTM F3125',
      'undated',
      'US',
      'A325',
      'structural-bolt',
      'bolt',
      'structural bolt',
      '92',
      '120',
      '{"source": "suppliers’ F3125 tables; Portland Bolt, F3125"}',
    ],
  ],
  /** A price's item code is "<standard> <designation>". */
  citedBy: `select from public.pricing_configs p where p.item_code = seeded.standard || ' ' || seeded.designation`,
};

/** The first release. Resistance and load factors are LRFD; a unit of 1 means a plain number. */
const CALIBRATION_CONSTANTS: SeedTable = {
  name: 'calibration_constants',
  key: ['name', 'version'],
  columns: {
    name: 'text',
    version: 'text',
    value: 'numeric',
    unit: 'text',
    description: 'text',
    source: 'text',
    effective: 'daterange',
  },
  rows: [
    constant('steel_modulus_of_elasticity', '29000', 'ksi', 'Modulus of elasticity of steel, E', 'AISC 360-22 E3'),
    constant('phi_tension_yielding', '0.90', '1', 'Resistance factor, tensile yielding, φt', 'AISC 360-22 D2'),
    constant('phi_tension_rupture', '0.75', '1', 'Resistance factor, tensile rupture, φt', 'AISC 360-22 D2'),
    constant('phi_compression', '0.90', '1', 'Resistance factor, compression, φc', 'AISC 360-22 E1'),
    constant('phi_flexure', '0.90', '1', 'Resistance factor, flexure, φb', 'AISC 360-22 F1'),
    constant('phi_shear', '0.90', '1', 'Resistance factor, shear, φv', 'AISC 360-22 G1'),
    constant(
      'phi_shear_rolled_i_stocky_web',
      '1.00',
      '1',
      'Resistance factor, shear, webs of rolled I-shapes within the limit of G2.1(a), φv',
      'AISC 360-22 G2',
    ),
    constant('load_factor_dead', '1.2', '1', 'Dead load in basic combination 2', 'ASCE/SEI 7-22 Chapter 2'),
    constant('load_factor_live', '1.6', '1', 'Live load in basic combination 2', 'ASCE/SEI 7-22 Chapter 2'),
    constant(
      'wind_velocity_pressure_coefficient',
      '0.00256',
      'psf/mph²',
      'Velocity pressure of standard air per squared wind speed',
      'ASCE/SEI 7-22 Chapter 26',
    ),
  ],
  oneRangeAtATime: 'name',
};

/** Opening figures for estimates, set with this migration: they are nobody's quotation. Replace them by a release of yours. */
const PRICING_CONFIGS: SeedTable = {
  name: 'pricing_configs',
  key: ['item_code', 'version'],
  columns: {
    item_code: 'text',
    version: 'text',
    unit_price: 'numeric',
    currency: 'text',
    unit: 'text',
    effective: 'daterange',
  },
  rows: [
    ['ASTM A992 50', '2026.1', '1.95', 'USD', 'lb', '[2026-01-01,)'],
    ['ASTM F3125 A325', '2026.1', '4.50', 'USD', 'each', '[2026-01-01,)'],
    ['SHOP LABOR', '2026.1', '95.00', 'USD', 'hour', '[2026-01-01,)'],
  ],
  oneRangeAtATime: 'item_code',
};

const TABLES = [CODE_REFERENCES, MATERIAL_CATALOG, CALIBRATION_CONSTANTS, PRICING_CONFIGS];

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create schema if not exists structdb`.execute(db);
  await sql`create table if not exists structdb.seeded_rows (
    migration text not null,
    table_name text not null,
    row_as_inserted jsonb not null,
    constraint seeded_rows_pkey primary key (migration, table_name, row_as_inserted)
  )`.execute(db);
  await sql`set local datestyle = 'ISO, YMD'`.execute(db);
  for (const table of TABLES) await sql.raw(seedStatement(NAME, table)).execute(db);
}

/** What cites goes first, so that what was cited by seeds alone can go too. */
export async function down(db: Kysely<unknown>): Promise<void> {
  // The rows are compared as JSON, in which ranges of dates follow DateStyle.
  await sql`set local datestyle = 'ISO, YMD'`.execute(db);
  for (const table of TABLES.toReversed()) await sql.raw(unseedStatement(NAME, table)).execute(db);
  await sql.raw(tellWhatIsLeft()).execute(db);
  await sql`delete from structdb.seeded_rows where migration = ${sql.lit(NAME)}`.execute(db);
}

function constant(name: string, value: string, unit: string, description: string, source: string): readonly string[] {
  return [name, '2026.1', value, unit, description, source, '[2026-01-01,)'];
}

function tellWhatIsLeft(): string {
  const kept = TABLES.map(
    ({ name, key }) => `select '${name}' as place, concat_ws(' ', ${columnsOf('t', key)}) as label
    from public.${name} t
    join structdb.seeded_rows s on s.migration = '${NAME}' and s.table_name = '${name}'
      and (${columnsOf('t', key)}) = (${key.map((column) => `s.row_as_inserted ->> '${column}'`).join(', ')})`,
  );
  return `do $$
declare
  kept text;
begin
  select string_agg(place || ': ' || labels, '; ' order by place) into kept
  from (
    select place, string_agg(label, ', ' order by label) as labels
    from (${kept.join('\n    union all ')}) as row_left
    group by place
  ) as by_place;
  if kept is not null then
    raise notice 'left, because changed or referenced since: %', kept;
  end if;
end $$`;
}
