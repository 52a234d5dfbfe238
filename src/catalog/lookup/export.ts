import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { ContentHash } from '../content-hash.ts';
import { checkPreconditions } from '../load/preconditions.ts';
import { MATERIALS, REFERENCES, type TargetTable } from '../load/tables.ts';
import { type PropertyValue, propertyValue } from '../properties.ts';
import { eachProperty } from '../property-json.ts';
import { NUMERIC_PROPERTIES } from '../readers/aisc-columns.ts';
import { parseDecimal } from '../reading/decimal.ts';
import type { UnitSystem } from '../rows.ts';
import { csvLine } from '../write.ts';
import { namedEdition } from './editions.ts';

export interface ExportOptions {
  readonly connection: ConnectionSettings;
  /** Takes pieces of the file in order, in UTF-8, and is waited for: what it does not take yet is not read yet. */
  readonly write: (text: string) => Promise<void>;
  /** Code references instead of shapes and materials. */
  readonly references?: boolean;
  readonly standard?: string;
  readonly edition?: string;
  /** Not of references, which have none. */
  readonly unitSystem?: UnitSystem;
  readonly variant?: string;
  readonly kind?: 'shape' | 'material' | 'bolt';
}

export interface ExportResult {
  readonly rows: number;
  /** The hash of what the rows say, however they are written (ContentHash): that of the same rows imported from anywhere. */
  readonly contentSha256: string;
}

/**
 * Writes rows in use in structdb's own layout, or references in theirs: sorted by key, numbers plain, only columns that
 * have a value. Importing the file into an empty database and exporting that gives the same bytes. One snapshot, read
 * through a cursor: a million rows need no more memory than a thousand.
 * @throws CATALOG_NOT_FOUND when no row is of that kind, USAGE for references with a choice that they have not, and what
 * connecting and `write` throw
 */
export async function exportCatalog(options: Readonly<ExportOptions>, context: RunContext): Promise<ExportResult> {
  const table = options.references ? REFERENCES : MATERIALS;
  if (options.references && (options.unitSystem ?? options.variant ?? options.kind) !== undefined) {
    throw new StructdbError('USAGE', 'References have no unit system, variant or kind.', {
      hint: 'Choose references by standard and edition.',
    });
  }
  return withClient(options.connection, profiles.catalog, context, async (client) => {
    await checkPreconditions(client, { dryRun: true });
    await client.query('begin isolation level repeatable read read only');
    const scope = scopeOf(options, table);
    const columns = await usedColumns(client, table, scope);
    if (columns === undefined) throw nothingThere(options);
    const result = await writeRows(client, { table, scope, columns, write: options.write }, context);
    await client.query('commit');
    return result;
  });
}

interface Scope {
  readonly condition: string;
  readonly values: readonly string[];
}

function scopeOf(options: ExportOptions, table: TargetTable): Scope {
  const chosen: readonly (readonly [string, string | undefined])[] = [
    ['standard', options.standard],
    ['edition', options.edition === undefined ? undefined : namedEdition(options.edition)],
    ['unit_system', options.unitSystem],
    ['variant', options.variant],
    ['kind', options.kind],
  ];
  const given = chosen.filter((entry): entry is [string, string] => entry[1] !== undefined);
  const conditions = given.map(([name], at) => `${name} = $${at + 1}`);
  if (table.retires) conditions.push('retired_at is null');
  return { condition: conditions.join(' and ') || 'true', values: given.map(([, value]) => value) };
}

/** The columns and properties in which any row has something, in the order of the file; undefined when there is no row. */
async function usedColumns(client: pg.Client, table: TargetTable, scope: Scope): Promise<string[] | undefined> {
  const plain = table.values.filter(({ type }) => type !== 'jsonb').map(({ name }) => name);
  const hasProperties = plain.length < table.values.length;
  const { rows } = await client.query<{ count: string; used: boolean[]; properties: string[] }>(
    `select count(*) as count, array[${plain.map((name) => `count(nullif(${name}::text, '')) > 0`).join(', ')}] as used,
      ${hasProperties ? `bool_or(variant <> '')` : 'false'} as variant,
      ${hasProperties ? `array(select distinct p.key from ${table.name}, jsonb_each_text(properties) p where ${scope.condition} and p.value <> '')` : `'{}'::text[]`} as properties
    from ${table.name} where ${scope.condition}`,
    [...scope.values],
  );
  const { count, used, properties, variant } = rows[0] as (typeof rows)[0] & { variant: boolean };
  if (count === '0') return undefined;
  const keys = table.key.filter((name) => name !== 'variant' || variant);
  return [...keys, ...plain.filter((_, at) => used[at]), ...properties.toSorted(byPlace)];
}

/** As the catalogs that ship have them: the other name, AISC's columns in AISC's order, then the rest by name. */
const PLACES = new Map(['counterpart', ...NUMERIC_PROPERTIES].map((name, at) => [name, at]));

function byPlace(a: string, b: string): number {
  const [x, y] = [PLACES.get(a) ?? Number.POSITIVE_INFINITY, PLACES.get(b) ?? Number.POSITIVE_INFINITY];
  return x === y ? (a < b ? -1 : 1) : x - y;
}

const ROWS_AT_ONCE = 1000;

async function writeRows(
  client: pg.Client,
  plan: {
    readonly table: TargetTable;
    readonly scope: Scope;
    readonly columns: readonly string[];
    readonly write: ExportOptions['write'];
  },
  context: RunContext,
): Promise<ExportResult> {
  const { table, scope, columns, write } = plan;
  const names = [...table.key, ...table.values.map(({ name }) => name)];
  const order = table.key
    .map((name) => (name === 'unit_system' ? 'unit_system desc' : `${name} collate "C"`))
    .join(', ');
  await client.query(
    `declare exported no scroll cursor for select ${names.map((name) => `${name}::text`).join(', ')}
    from ${table.name} where ${scope.condition} order by ${order}`,
    [...scope.values],
  );
  const hash = new ContentHash();
  const places = columns.map((name) => names.indexOf(name));
  await write(`${csvLine(columns)}\n`);
  for (;;) {
    stopIfInterrupted(context);
    const { rows } = await client.query<(string | null)[]>({
      text: `fetch ${ROWS_AT_ONCE} from exported`,
      rowMode: 'array',
    });
    if (rows.length === 0) break;
    let text = '';
    for (const cells of rows) {
      hash.add(table, cells);
      text += `${csvLine(cellsOf(table, cells, columns, places))}\n`;
    }
    await write(text);
  }
  return { rows: hash.rows, contentSha256: hash.digest() };
}

function cellsOf(
  table: TargetTable,
  cells: readonly (string | null)[],
  columns: readonly string[],
  places: readonly number[],
): string[] {
  const properties = new Map<string, string>();
  if (table.values.at(-1)?.type === 'jsonb') {
    eachProperty(cells.at(-1)!, (name, value) => void properties.set(name, textOf(propertyValue(name, value.trim()))));
  }
  return columns.map((name, at) => {
    const place = places[at]!;
    if (place < 0) return properties.get(name) ?? '';
    const cell = cells[place] ?? '';
    return table.values[place - table.key.length]?.type === 'numeric' ? (parseDecimal(cell) ?? cell) : cell.trim();
  });
}

function textOf(value: PropertyValue): string {
  return typeof value === 'string' ? value : value.text;
}

function nothingThere(options: ExportOptions): StructdbError {
  const what = [options.standard, options.edition, options.unitSystem, options.variant, options.kind].filter(Boolean);
  const rows = options.references ? 'reference' : 'row';
  return new StructdbError('CATALOG_NOT_FOUND', `No ${rows} in use is of ${what.join(', ') || 'any kind'}.`, {
    hint: 'structdb catalog list names what there is; structdb catalog import brings the catalogs that ship.',
  });
}
