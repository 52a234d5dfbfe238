import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { checkPreconditions } from '../load/preconditions.ts';
import { MATERIALS } from '../load/tables.ts';
import { rangeText } from '../load/version-plan.ts';
import { isIsoDate } from '../reading/iso-date.ts';
import { NUMBER_COLUMNS } from '../rows.ts';
import { type ImportRecord, readImports } from './imports.ts';
import { type Origin, originsOf } from './origins.ts';
import { looseName } from './shape-names.ts';
import { nearestNames } from './suggest.ts';
import { findVersions, type StoredVersion, versionNames } from './versions.ts';

/** A row of material_catalog. */
export interface StoredMaterial {
  readonly standard: string;
  readonly edition: string;
  readonly unitSystem: 'US' | 'SI';
  readonly designation: string;
  readonly variant: string;
  readonly kind: string;
  readonly shapeType: string | null;
  readonly manualLabel: string | null;
  readonly productForm: string | null;
  /** ISO 8601, or null while the row is in use. */
  readonly retiredAt: string | null;
  /** Every number and word that the row has, columns first, then properties; numbers are exact decimals. */
  readonly values: Readonly<Record<string, string>>;
  /** Where each of the values comes from, under the same names. */
  readonly origins: Readonly<Record<string, Origin>>;
}

export interface ShowOptions {
  readonly connection: ConnectionSettings;
  /**
   * A name in any unit system, case and spacing: EDI (`HSS34X10X.875`), Manual (`HSS 34 × 10 × 7/8`), grade (`A992`,
   * `A500 Gr B`).
   */
  readonly designation: string;
  /** Only this edition, or this version of a constant or an item. */
  readonly edition?: string;
  /** Only constants and prices, and of each the version in force on this day, `YYYY-MM-DD`. */
  readonly asOf?: string;
}

export interface ShowResult {
  readonly designation: string;
  /** US before SI; both for a shape, whichever of its names was asked for. */
  readonly rows: readonly StoredMaterial[];
  /** Calibration constants and prices of that name, oldest first. */
  readonly versions: readonly StoredVersion[];
  /** The imports that the origins name, newest first. */
  readonly imports: readonly ImportRecord[];
}

/**
 * Finds a shape or a material by name, and the calibration constants and prices of that name.
 * @throws CATALOG_NOT_FOUND with the nearest names, USAGE for a day that is none or a shape as of a day, SCHEMA_MISSING,
 * PERMISSION_DENIED
 */
export async function showDesignation(options: Readonly<ShowOptions>, context: RunContext): Promise<ShowResult> {
  const { asOf } = options;
  if (asOf !== undefined && !isIsoDate(asOf)) {
    throw new StructdbError('USAGE', `"${asOf}" is not a day of the calendar.`, { hint: 'Write it as 2026-12-31.' });
  }
  return withClient(options.connection, profiles.probe, context, async (client) => {
    await checkPreconditions(client, { dryRun: true, versions: true });
    const name = normalise(options.designation);
    const edition = options.edition?.replace(/^(?=\d+\.\d)/, 'v') ?? null;
    const rows = await findRows(client, name, edition);
    const versions = await findVersions(client, {
      name: options.designation,
      version: options.edition,
      day: asOf ?? context.clock.now().toISOString().slice(0, 10),
    });
    if (rows.length === 0 && versions.length === 0) throw await notFound(client, name, edition);
    const materials = asOf === undefined ? await withOrigins(client, rows.map(withValues)) : [];
    const shown = asOf === undefined ? versions : inForceOn(asOf, options.designation, versions);
    const origins = [...materials.flatMap((row) => Object.values(row.origins)), ...shown.map(({ origin }) => origin)];
    const ids = [...new Set(origins)].filter((origin) => typeof origin === 'number');
    const imports = ids.length === 0 ? [] : await readImports(client, { ids });
    return { designation: options.designation, rows: materials, versions: shown, imports };
  });
}

/** Of the versions of a name those in force on a day; only shapes and materials were found where there is none at all. */
function inForceOn(day: string, name: string, versions: readonly StoredVersion[]): StoredVersion[] {
  const inForce = versions.filter((version) => version.inForce);
  if (inForce.length > 0) return inForce;
  if (versions.length === 0) {
    throw new StructdbError('USAGE', `"${name}" has no dates: shapes and materials are kept by edition.`, {
      hint: 'Leave --as-of out, and name an edition where you want one: --edition v16.0',
    });
  }
  throw new StructdbError('CATALOG_NOT_FOUND', `No version of "${name}" was in force on ${day}.`, {
    details: versions.map(
      ({ version, effectiveFrom: from, effectiveTo: to }) => `version ${version}: ${rangeText({ from, to })}`,
    ),
    hint: 'Ask for a day within one of these; an end is the first day no longer in force.',
  });
}

/** `astm  a500 Gr. b` → `ASTM A500 B`. */
function normalise(designation: string): string {
  return designation
    .trim()
    .toUpperCase()
    .replace(/\s+/g, ' ')
    .replace(/ GR(?:ADE\b|\.|\b) ?/, ' ');
}

type StoredRow = StoredMaterial & { properties: Record<string, string> };

/** The name as it is stored, or else any other way to write the name of a shape. */
async function findRows(client: pg.Client, name: string, edition: string | null): Promise<StoredRow[]> {
  const { rows } = await client.query<StoredRow>(QUERY, [[name], edition]);
  if (rows.length > 0) return rows;
  const { rows: names } = await client.query<{ designation: string; label: string | null }>(
    `select distinct designation, manual_label as label from public.material_catalog
    where kind = 'shape' and ($1::text is null or edition = $1)`,
    [edition],
  );
  const wanted = looseName(name);
  const same = names.filter((row) => looseName(row.designation) === wanted || looseName(row.label ?? '') === wanted);
  if (same.length === 0) return [];
  return (await client.query<StoredRow>(QUERY, [same.map((row) => row.designation), edition])).rows;
}

const QUERY = `
with wanted as (
  select unnest($1::text[]) as name
), named as (
  select standard, edition, unit_system, designation, variant from public.material_catalog m, wanted w
  where ($2::text is null or edition = $2)
    and (designation = w.name or upper(manual_label) = w.name
      or w.name in (upper(standard), upper(standard) || ' ' || designation)
      or 'ASTM ' || w.name in (upper(standard), upper(standard) || ' ' || designation))
), found as (
  select * from named
  union
  -- the same shape in the other unit system
  select m.standard, m.edition, m.unit_system, m.designation, m.variant
  from named n join public.material_catalog m
    on m.standard = n.standard and m.edition = n.edition and m.variant = n.variant and m.unit_system <> n.unit_system
      and m.properties ->> 'counterpart' = n.designation
)
select m.standard, m.edition, m.unit_system as "unitSystem", m.designation, m.variant, m.kind,
  m.shape_type as "shapeType", m.manual_label as "manualLabel", m.product_form as "productForm",
  to_char(m.retired_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "retiredAt",
  ${NUMBER_COLUMNS.map((name) => `m.${name}::text`).join(', ')},
  (select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each_text(m.properties)) as properties
from found join public.material_catalog m using (standard, edition, unit_system, designation, variant)
order by m.standard, m.edition, m.unit_system desc, m.designation, m.variant`;

type Found = Omit<StoredMaterial, 'origins'>;

function withValues(row: StoredMaterial & { properties: Record<string, string> }): Found {
  const { properties, ...rest } = row;
  const columns = rest as unknown as Record<string, string | null>;
  const values: Record<string, string> = {};
  for (const name of NUMBER_COLUMNS) {
    const value = columns[name];
    delete columns[name];
    if (value !== null && value !== undefined) values[name] = value;
  }
  const further = Object.entries(properties).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { ...rest, values: { ...values, ...Object.fromEntries(further) } };
}

async function withOrigins(client: pg.Client, rows: readonly Found[]): Promise<StoredMaterial[]> {
  const keys = rows.map((row) => [row.standard, row.edition, row.unitSystem, row.designation, row.variant]);
  const origins = await originsOf(client, { table: MATERIALS.name, keyColumns: MATERIALS.key, keys });
  return rows.map((row, at) => ({
    ...row,
    origins: Object.fromEntries(Object.keys(row.values).map((name) => [name, origins[at]!(name)])),
  }));
}

async function notFound(client: pg.Client, name: string, edition: string | null): Promise<StructdbError> {
  const { rows } = await client.query<{ name: string }>(
    `select designation as name from public.material_catalog where kind = 'shape' and ($1::text is null or edition = $1)
    union select regexp_replace(standard, '^ASTM ', '') || ' ' || designation from public.material_catalog where kind <> 'shape'`,
    [edition],
  );
  const near = nearestNames(name, [...rows.map((row) => row.name), ...(await versionNames(client))]);
  const where = edition === null ? 'No catalog' : `No catalog of edition ${edition}`;
  return new StructdbError('CATALOG_NOT_FOUND', `${where} in the database has a "${name}".`, {
    hint:
      rows.length === 0
        ? 'No catalog is imported yet. Run: structdb catalog import'
        : near.length > 0
          ? `Did you mean ${near.join(', ')}?`
          : 'structdb catalog list names the editions in the database.',
  });
}
