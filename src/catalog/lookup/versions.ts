import type pg from 'pg';
import { CONSTANTS, PRICES, type Version, type VersionTable } from '../load/version-tables.ts';
import { versionsQuery } from '../load/versions.ts';
import { parseDecimal } from '../reading/decimal.ts';
import { type Origin, originsOf } from './origins.ts';

/** A version of a calibration constant or of a price. */
export interface StoredVersion {
  readonly kind: 'constant' | 'price';
  /** Of the constant, or the code of the item. */
  readonly name: string;
  readonly version: string;
  /** The value or the price of one unit: an exact decimal. */
  readonly value: string;
  /** A plain number has the unit 1. Of a price: what one is. */
  readonly unit: string;
  /** ISO 4217; null for constants. */
  readonly currency: string | null;
  /** Null for prices. */
  readonly description: string | null;
  readonly source: string | null;
  /** The first day in force, `YYYY-MM-DD`. */
  readonly effectiveFrom: string;
  /** The first day no longer in force; null while no end is set. */
  readonly effectiveTo: string | null;
  /** Whether it is in force on the day that was asked for, or today (UTC). */
  readonly inForce: boolean;
  readonly origin: Origin;
}

/** What is stored of one release of constants or prices. */
export interface StoredRelease {
  readonly kind: 'constant' | 'price';
  readonly version: string;
  readonly rows: number;
  /** Of them, those in force today (UTC). */
  readonly inForce: number;
}

/** Both kinds with their tables, as far as the database has them: migration 003 brings them. */
async function tablesOf(client: pg.Client): Promise<VersionTable[]> {
  const { rows } = await client.query<{ constants: boolean; prices: boolean }>(
    'select to_regclass($1) is not null as constants, to_regclass($2) is not null as prices',
    [CONSTANTS.name, PRICES.name],
  );
  return [...(rows[0]!.constants ? [CONSTANTS] : []), ...(rows[0]!.prices ? [PRICES] : [])];
}

/** All versions of the constants and items of a name, in any case, oldest first; of one version where it is given. */
export async function findVersions(
  client: pg.Client,
  query: { readonly name: string; readonly version?: string | undefined; readonly day: string },
): Promise<StoredVersion[]> {
  const found: StoredVersion[] = [];
  for (const table of await tablesOf(client)) {
    const { rows } = await client.query<Version>(
      `${versionsQuery(table)} where upper(${table.key}) = upper($1) and ($2::text is null or version = $2)
      order by 1, lower(effective)`,
      [query.name.trim(), query.version ?? null],
    );
    const keys = rows.map(({ name, version }) => [name, version]);
    const origins = await originsOf(client, { table: table.name, keyColumns: [table.key, 'version'], keys });
    found.push(...rows.map((row, at) => described(table, row, query.day, origins[at]!(table.values[0]!.name))));
  }
  return found;
}

/** The names that constants and items have. */
export async function versionNames(client: pg.Client): Promise<string[]> {
  const names: string[] = [];
  for (const { name, key } of await tablesOf(client)) {
    const { rows } = await client.query<{ name: string }>(`select distinct ${key} as name from ${name}`);
    names.push(...rows.map((row) => row.name));
  }
  return names;
}

/** Counts by release. */
export async function listReleases(client: pg.Client, day: string): Promise<StoredRelease[]> {
  const releases: StoredRelease[] = [];
  for (const { name } of await tablesOf(client)) {
    const { rows } = await client.query<Omit<StoredRelease, 'kind'>>(
      `select version, count(*)::int as rows, (count(*) filter (where effective @> $1::date))::int as "inForce"
      from ${name} group by 1 order by min(lower(effective)), 1`,
      [day],
    );
    releases.push(...rows.map((row) => ({ kind: kindOf(name), ...row })));
  }
  return releases;
}

function kindOf(table: VersionTable['name']): StoredVersion['kind'] {
  return table === CONSTANTS.name ? 'constant' : 'price';
}

function described(
  table: VersionTable,
  { name, version, values, from, to }: Version,
  day: string,
  origin: Origin,
): StoredVersion {
  const value = (column: string) => values[table.values.findIndex((one) => one.name === column)] ?? null;
  const price = value('unit_price');
  return {
    kind: kindOf(table.name),
    name,
    version,
    // A price keeps its two decimals.
    value: price ?? parseDecimal(value('value')!)!,
    unit: value('unit')!,
    currency: value('currency'),
    description: value('description'),
    source: value('source'),
    effectiveFrom: from,
    effectiveTo: to,
    inForce: from <= day && (to === null || day < to),
    origin,
  };
}
