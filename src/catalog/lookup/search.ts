import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { type PropertyValue, propertyValue } from '../properties.ts';
import { eachProperty } from '../property-json.ts';
import { parseDecimal } from '../reading/decimal.ts';
import { NUMBER_COLUMNS, type UnitSystem } from '../rows.ts';
import { unitOf } from '../units.ts';
import { compareEditions, type EditionFound, editionsOf, namedEdition, noSuchEdition } from './editions.ts';
import { type Field, findField } from './fields.ts';
import { type Filter, printFilter } from './filter.ts';
import { fieldValue, filterConditions, Parameters } from './filter-sql.ts';
import { filterError, parseFilter } from './parse-filter.ts';
import { type Queryable, type Source, withReader } from './reader.ts';

export interface SearchCriteria {
  /** `W, Zx >= 200, d <= 24`: docs/catalog-search.md has the language. Empty: every row. */
  readonly filter: string;
  /** The one unit system of the search; `US` by default. */
  readonly unitSystem?: UnitSystem;
  /** Only this edition; by default the newest of each standard. */
  readonly edition?: string;
  /** Which table of shapes: `A1085` is AISC's supplement; the main table by default. */
  readonly variant?: string;
  /** Also rows that are no longer in their whole table. */
  readonly retired?: boolean;
  /** Fields, each with `-` before it for the greatest first; by default weight, then designation. */
  readonly sort?: readonly string[];
  /** At most so many rows; 20 by default. */
  readonly limit?: number;
  /** Fields to show, for `SearchResult.columns`; by default those of filter and sort, and what tells a shape. */
  readonly columns?: readonly string[];
}

export type SearchOptions = Source & SearchCriteria;

/** A row that was found, in the unit system of the search. */
export interface FoundMaterial {
  readonly standard: string;
  readonly edition: string;
  readonly designation: string;
  readonly variant: string;
  readonly kind: 'shape' | 'material' | 'bolt';
  readonly shapeType: string | null;
  readonly manualLabel: string | null;
  readonly productForm: string | null;
  /** ISO 8601, or null while the row is in use. */
  readonly retiredAt: string | null;
  /** Every number and word that the row has, columns first, then properties; numbers are exact decimals. */
  readonly values: Readonly<Record<string, string>>;
}

export interface SearchResult {
  /** The filter as it was understood. */
  readonly filter: string;
  readonly unitSystem: UnitSystem;
  /** The editions that were searched: of a table of shapes the newest, of materials all, with the newest row of each name. */
  readonly editions: readonly { readonly standard: string; readonly edition: string }[];
  /** How many rows fit, of which `rows` are the first. */
  readonly total: number;
  readonly rows: readonly FoundMaterial[];
  /** Names of what is to be shown of each row besides its designation; `cellOf` gives it. */
  readonly columns: readonly string[];
  /** The unit of each number in `rows`; ratios have none and are left out. */
  readonly units: Readonly<Record<string, string>>;
}

/**
 * Finds shapes and materials by their properties, in one unit system.
 * @throws FILTER_INVALID, CATALOG_NOT_FOUND for an edition or a variant that is not there, USAGE for a sort or limit that
 * makes no sense, and what `withReader` throws
 */
export async function searchCatalog(
  options: Readonly<SearchOptions>,
  context: Pick<RunContext, 'signal'>,
): Promise<SearchResult> {
  const { limit = 20 } = options;
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new StructdbError('USAGE', `The limit must be a whole number of at least 1, not ${limit}.`, {});
  }
  return withReader(options, context, async (reader) => {
    return find(reader, { ...options, limit, ...(await understand(reader, options)) });
  });
}

interface SortField {
  readonly field: Field;
  readonly descending: boolean;
}

const DEFAULT_SORT: readonly string[] = ['weight', 'designation'];

/** Names that structdb does not know are looked up in the database, which may have properties of somebody's own. */
async function understand(
  reader: Queryable,
  options: SearchCriteria,
): Promise<Pick<Understood, 'filter' | 'sort' | 'columns'>> {
  const read = (further: readonly string[]) => ({
    filter: parseFilter(options.filter, further),
    sort: (options.sort ?? DEFAULT_SORT).map((text) => sortField(text, further)),
    columns: options.columns?.map((text) => namedField(text, further, 'show')),
  });
  try {
    return read([]);
  } catch (error) {
    const further = await ownProperties(reader);
    if (further.length === 0) throw error;
    return read(further);
  }
}

function sortField(text: string, further: readonly string[]): SortField {
  const descending = text.startsWith('-');
  return { field: namedField(text.slice(descending ? 1 : 0), further, 'sort by'), descending };
}

function namedField(text: string, further: readonly string[], purpose: string): Field {
  const found = findField(text.trim(), further);
  if ('field' in found) return found.field;
  throw new StructdbError('USAGE', `Cannot ${purpose} that: ${found.problem}.`.replace('?.', '?'), {
    hint: 'Name fields as in a filter, parted by commas; in a sort, - before one means the greatest first: weight,-Zx',
  });
}

async function ownProperties(reader: Queryable): Promise<string[]> {
  const { rows } = await reader.query(
    'select distinct jsonb_object_keys(properties) as name from public.material_catalog order by 1',
  );
  return (rows as { name: string }[]).map(({ name }) => name).filter((name) => 'problem' in findField(name));
}

interface Understood extends Omit<SearchCriteria, 'filter' | 'sort' | 'columns'> {
  readonly columns: readonly Field[] | undefined;
  readonly filter: Filter;
  readonly sort: readonly SortField[];
  readonly limit: number;
}

async function find(reader: Queryable, search: Understood): Promise<SearchResult> {
  const { filter, unitSystem = 'US', variant = '' } = search;
  const known = await editionsOf(reader, { unitSystem, variant });
  const editions = chooseEditions(known, search);
  const { text, values } = searchStatement({ ...search, unitSystem, variant }, editions);
  const { rows } = await reader.query(text, values);
  const found = rows as StoredRow[];
  if (found.length === 0) await refuseUnknownType(reader, filter);
  const materials = found.map(material);
  const names = new Set(materials.flatMap((row) => Object.keys(row.values)));
  return {
    filter: printFilter(filter),
    unitSystem,
    editions: editions.map(({ standard, edition }) => ({ standard, edition })),
    total: found[0]?.total ?? 0,
    rows: materials,
    columns: columnsOf(search, materials),
    units: Object.fromEntries(
      [...names].flatMap((name) => {
        const unit = unitOf(name, unitSystem);
        return unit === '' ? [] : [[name, unit]];
      }),
    ),
  };
}

/** What engineers look at first, where the rows have it. */
const USUAL_COLUMNS = ['weight', 'area', 'depth', 'ix', 'sx', 'zx', 'ry', 'product_form', 'fy', 'fu'];

function columnsOf({ filter, sort, columns }: Understood, rows: readonly FoundMaterial[]): string[] {
  if (columns) return columns.map(({ name }) => name);
  const looked = [
    ...sort.map(({ field }) => field.name),
    ...filter.terms.flatMap((term) => (term.kind === 'words' ? [] : [term.field.name])),
  ];
  const shown = [...new Set([...looked, ...USUAL_COLUMNS])].filter((name) => name !== 'designation');
  const isShape = rows.some(({ kind }) => kind === 'shape');
  return shown.filter(
    (name) =>
      rows.some((row) => cellOf(row, name) !== '') && !(isShape && name === 'product_form' && !looked.includes(name)),
  );
}

/** What a row has under a name of `SearchResult.columns`; the empty string where it has nothing. */
export function cellOf(row: FoundMaterial, column: string): string {
  const own: Readonly<Record<string, string | null>> = {
    standard: row.standard,
    designation: row.designation,
    variant: row.variant,
    kind: row.kind,
    shape_type: row.shapeType,
    manual_label: row.manualLabel,
    product_form: row.productForm,
  };
  return own[column] ?? row.values[column] ?? '';
}

interface SearchedEdition extends EditionFound {
  /** The place among those that are searched, the oldest first. */
  readonly rank: number;
}

/** Of a standard that publishes tables of shapes the newest edition; of one of materials all, whose newest rows count. */
function chooseEditions(known: readonly EditionFound[], search: Understood): SearchedEdition[] {
  const wanted = search.edition === undefined ? undefined : namedEdition(search.edition);
  const usable = known.filter(({ edition }) => wanted === undefined || edition === wanted);
  if (wanted !== undefined && usable.length === 0) {
    throw noSuchEdition(
      wanted,
      undefined,
      known.map(({ edition }) => edition),
    );
  }
  if (search.variant && usable.every(({ kind }) => kind === null)) {
    throw new StructdbError('CATALOG_NOT_FOUND', `No catalog in the database has a variant "${search.variant}".`, {
      hint: 'structdb catalog list names the variants behind their editions.',
    });
  }
  const sorted = usable.toSorted((a, b) => compareEditions(a.edition, b.edition));
  const newest = new Map(sorted.filter(({ kind }) => kind === 'shape').map((edition) => [edition.standard, edition]));
  return sorted
    .filter((edition) => (newest.get(edition.standard) ?? edition) === edition)
    .map((edition, rank) => ({ ...edition, rank }));
}

interface Statement {
  readonly text: string;
  readonly values: unknown[];
}

/**
 * One statement: the keys of all rows that fit are sorted and counted, and only those of the page are read whole. Each
 * number is sent as text, whatever the caller's client makes of numbers.
 */
function searchStatement(search: Scoped, editions: readonly SearchedEdition[]): Statement {
  const parameters = new Parameters();
  const conditions = [
    `m.unit_system = ${parameters.add(search.unitSystem)}`,
    ...filterConditions(search.filter, search.unitSystem, parameters),
    ...(search.retired ? [] : ['m.retired_at is null']),
    // A function that only the leader may call: starting parallel workers takes many times as long as the search.
    'pg_backend_pid() > 0',
  ].join('\n    and ');
  const keys = search.sort.map(({ field, descending }, at) => ({
    value: fieldValue(field, parameters) + (field.kind === 'text' ? ' collate "C"' : ''),
    order: `s${at}${descending ? ' desc' : ''} nulls last`,
  }));
  const columns = [...KEY.map((name) => `m.${name}`), ...keys.map(({ value }, at) => `${value} as s${at}`)].join(', ');
  const order = [...keys.map((key) => key.order), ...KEY.map((name) => `${name} collate "C"`)].join(', ');
  const sources = sourcesOf(search, editions, parameters).map(
    (source) => `select ${columns} from public.material_catalog m ${source}\n    and ${conditions}`,
  );
  const text = `
with found as materialized (
  ${sources.join('\n  union all\n  ')}
), page as (
  select * from found order by ${order} limit ${parameters.add(search.limit)}
)
select (select count(*)::int from found) as total,
  m.standard, m.edition, m.designation, m.variant, m.kind, m.shape_type, m.manual_label, m.product_form,
  to_char(m.retired_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as retired_at,
  array[${NUMBER_COLUMNS.map((name) => `m.${name}`).join(', ')}]::text[] as numbers, m.properties::text as properties
from page p join public.material_catalog m using (${KEY.join(', ')})
order by ${order}`;
  return { text, values: parameters.values };
}

interface Scoped extends Understood {
  readonly unitSystem: UnitSystem;
  readonly variant: string;
}

/**
 * Where rows come from: each table of shapes by its own equalities, which the primary key answers, and the materials of all
 * editions together. The variant of a material is part of its name, and one with a newer row of the same name has had its
 * time.
 */
function sourcesOf(search: Scoped, editions: readonly SearchedEdition[], parameters: Parameters): string[] {
  const [tables, lists] = [true, false].map((wanted) => editions.filter(({ kind }) => (kind === 'shape') === wanted));
  const variant = parameters.add(search.variant);
  const ofVariant = search.variant === '' ? `(m.kind <> 'shape' or m.variant = ${variant})` : `m.variant = ${variant}`;
  const sources = tables!.map(
    ({ standard, edition }) =>
      `where m.standard = ${parameters.add(standard)} and m.edition = ${parameters.add(edition)} and ${ofVariant}`,
  );
  const listed = `unnest(${parameters.add(lists!.map(({ standard }) => standard))}::text[],
    ${parameters.add(lists!.map(({ edition }) => edition))}::text[],
    ${parameters.add(lists!.map(({ rank }) => rank))}::int[])`;
  return [
    ...sources,
    `join ${listed} as e(standard, edition, rank) using (standard, edition)
  where ${ofVariant} and not exists (
    select from public.material_catalog o join ${listed} as n(standard, edition, rank) using (standard, edition)
    where o.standard = m.standard and o.unit_system = m.unit_system and o.designation = m.designation
      and o.variant = m.variant and o.retired_at is null and n.rank > e.rank)`,
  ];
}

const KEY = ['standard', 'edition', 'unit_system', 'designation', 'variant'];

interface StoredRow {
  readonly total: number;
  readonly standard: string;
  readonly edition: string;
  readonly designation: string;
  readonly variant: string;
  readonly kind: FoundMaterial['kind'];
  readonly shape_type: string | null;
  readonly manual_label: string | null;
  readonly product_form: string | null;
  readonly retired_at: string | null;
  readonly numbers: readonly (string | null)[];
  readonly properties: string;
}

function material(row: StoredRow): FoundMaterial {
  const { standard, edition, designation, variant, kind } = row;
  const values: Record<string, string> = {};
  NUMBER_COLUMNS.forEach((name, at) => {
    const value = row.numbers[at];
    if (value != null) values[name] = parseDecimal(value) ?? value;
  });
  const properties: [string, string][] = [];
  eachProperty(row.properties, (name, value) => void properties.push([name, textOf(propertyValue(name, value))]));
  properties.sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    ...{ standard, edition, designation, variant, kind },
    shapeType: row.shape_type,
    manualLabel: row.manual_label,
    productForm: row.product_form,
    retiredAt: row.retired_at,
    values: { ...values, ...Object.fromEntries(properties) },
  };
}

function textOf(value: PropertyValue): string {
  return typeof value === 'string' ? value : value.text;
}

/** Nothing found because of a type that no row has is a slip of the pen, and told as one. */
async function refuseUnknownType(reader: Queryable, filter: Filter): Promise<void> {
  const asked = filter.terms.flatMap((term) => (term.kind === 'words' ? term.words : []));
  const types = asked.filter(({ kind }) => kind === 'type').map(({ text }) => text);
  if (types.length === 0) return;
  const { rows } = await reader.query(
    'select distinct shape_type as type from public.material_catalog where shape_type is not null order by 1',
  );
  const known = (rows as { type: string }[]).map(({ type }) => type);
  const unknown = types.find((type) => !known.includes(type));
  if (unknown === undefined || known.length === 0) return;
  const text = printFilter(filter);
  throw filterError(text, text.indexOf(unknown), `there is no shape type ${unknown}`, `Types are ${known.join(', ')}.`);
}
