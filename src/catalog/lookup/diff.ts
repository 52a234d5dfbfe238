import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { eachProperty } from '../property-json.ts';
import { parseDecimal } from '../reading/decimal.ts';
import { NUMBER_COLUMNS, TEXT_COLUMNS, type UnitSystem } from '../rows.ts';
import { unitOf } from '../units.ts';
import { namedEdition, noSuchEdition } from './editions.ts';
import { findField } from './fields.ts';
import { type Queryable, type Source, withReader } from './reader.ts';

export type DiffOptions = Source & {
  /** The older edition, as a rule: `v15.0`. */
  readonly from: string;
  readonly to: string;
  /** `AISC` by default. */
  readonly standard?: string;
  /** `US` by default. */
  readonly unitSystem?: UnitSystem;
  /** Which table of shapes: `A1085` is AISC's supplement; the main table by default. */
  readonly variant?: string;
  /** Only shapes of this type. */
  readonly type?: string;
  /** Only this field, by AISC's symbol or structdb's name. */
  readonly column?: string;
};

/** A row by its names. */
export interface NamedRow {
  readonly designation: string;
  /** Of a shape that of the table; of a material a part of its name. */
  readonly variant: string;
  readonly manualLabel: string | null;
  readonly shapeType: string | null;
}

export interface ChangedValue {
  /** structdb's name of the column or property. */
  readonly column: string;
  /** Empty for ratios and words. */
  readonly unit: string;
  /** null: there was no value. Numbers are exact decimals. */
  readonly from: string | null;
  readonly to: string | null;
}

export interface ChangedRow extends NamedRow {
  readonly changes: readonly ChangedValue[];
}

export interface DiffResult {
  readonly standard: string;
  readonly from: string;
  readonly to: string;
  readonly unitSystem: UnitSystem;
  readonly variant: string;
  /** Rows of `to` whose designation `from` lacks. */
  readonly added: readonly NamedRow[];
  /** Rows of `from` whose designation `to` lacks. */
  readonly dropped: readonly NamedRow[];
  readonly changed: readonly ChangedRow[];
  readonly unchanged: number;
  /** Columns of which one edition has no value at all: told here, and not as a change of every row. */
  readonly onlyIn: { readonly from: readonly string[]; readonly to: readonly string[] };
}

/**
 * What became of a standard's rows from one edition to another, matched by designation (AISC's EDI name, which stays when
 * the label of the Manual changes). Numbers are compared as numbers; retired rows belong to no edition any more. The name
 * in the other unit system is no value of its own and is not compared.
 * @throws CATALOG_NOT_FOUND for an edition that has no such rows, USAGE for a column that there is not
 */
export async function diffEditions(
  options: Readonly<DiffOptions>,
  context: Pick<RunContext, 'signal'>,
): Promise<DiffResult> {
  const { standard = 'AISC', unitSystem = 'US', variant = '' } = options;
  const [from, to] = [namedEdition(options.from), namedEdition(options.to)];
  const column = options.column === undefined ? undefined : columnNamed(options.column);
  const type = options.type?.toUpperCase();
  return withReader(options, context, async (reader) => {
    const scope = [standard, unitSystem, variant] as const;
    const [before, after] = [await columnsWithValues(reader, scope, from), await columnsWithValues(reader, scope, to)];
    if (!before || !after) throw await missing(reader, standard, before ? to : from, unitSystem, variant);
    const { rows } = await reader.query(QUERY, [...scope, from, to]);
    const pairs = (rows as Pair[]).filter(({ shape_type }) => type === undefined || shape_type?.toUpperCase() === type);
    const compared = new Set([...before].filter((name) => after.has(name) && (column ?? name) === name));
    const named = ({ designation, variant: own, manual_label, shape_type }: Pair): NamedRow => {
      return { designation, variant: own, manualLabel: manual_label, shapeType: shape_type };
    };
    const common = pairs.filter(({ old_row, new_row }) => old_row !== null && new_row !== null);
    const changed = common
      .map((pair): ChangedRow => ({ ...named(pair), changes: changesOf(pair, compared, unitSystem) }))
      .filter(({ changes }) => changes.length > 0);
    const missingIn = (there: ReadonlySet<string>, other: ReadonlySet<string>) =>
      [...there].filter((name) => !other.has(name) && (column ?? name) === name).sort();
    return {
      ...{ standard, from, to, unitSystem, variant },
      added: column === undefined ? pairs.filter(({ old_row }) => old_row === null).map(named) : [],
      dropped: column === undefined ? pairs.filter(({ new_row }) => new_row === null).map(named) : [],
      changed,
      unchanged: common.length - changed.length,
      onlyIn: { from: missingIn(before, after), to: missingIn(after, before) },
    };
  });
}

/** The columns whose cells stand in `old_row` and `new_row`, before the properties. */
const COLUMNS = [...TEXT_COLUMNS, ...NUMBER_COLUMNS];
const NUMBERS: ReadonlySet<string> = new Set(NUMBER_COLUMNS);

interface Pair {
  readonly designation: string;
  readonly variant: string;
  readonly manual_label: string | null;
  readonly shape_type: string | null;
  /** null where the edition has no such row; of rows that are wholly equal both are empty. */
  readonly old_row: readonly (string | null)[] | null;
  readonly new_row: readonly (string | null)[] | null;
}

function inScope(edition: string): string {
  return `(select * from public.material_catalog where standard = $1 and edition = ${edition} and unit_system = $2
    and (kind <> 'shape' and $3 = '' or variant = $3) and retired_at is null)`;
}

/** jsonb compares its numbers as numbers too. */
const QUERY = `
select coalesce(n.designation, o.designation) as designation, coalesce(n.variant, o.variant) as variant,
  coalesce(n.manual_label, o.manual_label) as manual_label, coalesce(n.shape_type, o.shape_type) as shape_type,
  ${['o', 'n']
    .map(
      (row) => `case when ${row}.standard is null then null when same.all_values then '{}'
    else array[${COLUMNS.map((name) => `${row}.${name}::text`).join(', ')}, ${row}.properties::text] end as ${row === 'o' ? 'old' : 'new'}_row`,
    )
    .join(',\n  ')}
from ${inScope('$4')} o full join ${inScope('$5')} n on n.designation = o.designation and n.variant = o.variant
cross join lateral (select o.properties - 'counterpart' = n.properties - 'counterpart' and
  (${COLUMNS.map((name) => `o.${name}`).join(', ')}) is not distinct from (${COLUMNS.map((name) => `n.${name}`).join(', ')}) as all_values) same
order by coalesce(n.shape_type, o.shape_type) collate "C", coalesce(n.designation, o.designation) collate "C",
  coalesce(n.variant, o.variant) collate "C"`;

function changesOf({ old_row, new_row }: Pair, compared: ReadonlySet<string>, system: UnitSystem): ChangedValue[] {
  if (old_row!.length === 0) return [];
  const [before, after] = [valuesOf(old_row!), valuesOf(new_row!)];
  return [...compared].flatMap((column): ChangedValue[] => {
    const [from, to] = [before.get(column) ?? null, after.get(column) ?? null];
    return from === to ? [] : [{ column, unit: unitOf(column, system), from, to }];
  });
}

function valuesOf(cells: readonly (string | null)[]): Map<string, string> {
  const values = new Map<string, string>();
  COLUMNS.forEach((name, at) => {
    const cell = cells[at];
    if (cell != null) values.set(name, NUMBERS.has(name) ? (parseDecimal(cell) ?? cell) : cell);
  });
  eachProperty(cells.at(-1)!, (name, value) => void values.set(name, parseDecimal(value) ?? value));
  return values;
}

type ScopeValues = readonly [standard: string, unitSystem: UnitSystem, variant: string];

/** The columns that any row of the edition has a value in, or undefined when it has no rows. */
async function columnsWithValues(
  reader: Queryable,
  scope: ScopeValues,
  edition: string,
): Promise<ReadonlySet<string> | undefined> {
  const { rows } = await reader.query(
    `select count(*)::int as count, array_remove(array[
      ${COLUMNS.map((name) => `case when count(${name}) > 0 then '${name}' end`).join(', ')}], null)
      || array(select distinct jsonb_object_keys(properties) from ${inScope('$4')} p order by 1) as names
    from ${inScope('$4')} m`,
    [...scope, edition],
  );
  const { count, names } = rows[0] as { count: number; names: string[] };
  return count === 0 ? undefined : new Set(names.filter((name) => name !== 'counterpart'));
}

async function missing(
  reader: Queryable,
  standard: string,
  edition: string,
  unitSystem: UnitSystem,
  variant: string,
): Promise<StructdbError> {
  const { rows } = await reader.query(
    `select distinct edition, unit_system as "unitSystem", case kind when 'shape' then variant else '' end as variant
    from public.material_catalog where standard = $1 order by 1, 2 desc, 3`,
    [standard],
  );
  const known = (rows as { edition: string; unitSystem: string; variant: string }[]).map((row) => ({
    ...row,
    name: [row.edition, row.variant, row.unitSystem].filter(Boolean).join(' '),
  }));
  if (!known.some((row) => row.edition === edition)) {
    return noSuchEdition(
      edition,
      standard,
      known.map((row) => row.name),
    );
  }
  const wanted = [edition, variant].filter(Boolean).join(' ');
  return new StructdbError('CATALOG_NOT_FOUND', `${standard} ${wanted} has no rows in ${unitSystem} units.`, {
    hint: `There is ${known.map((row) => row.name).join(', ')}.`,
  });
}

function columnNamed(typed: string): string {
  const found = findField(typed);
  if ('field' in found) return found.field.name;
  // Somebody's own property: a name that no row has finds nothing.
  if (/^[a-z][a-z0-9_]*$/.test(typed) && !found.problem.includes('did you mean')) return typed;
  throw new StructdbError('USAGE', `Cannot compare that: ${found.problem}`, {
    hint: "Name one of AISC's symbols (Zx, bf) or of structdb's names (flange_width).",
  });
}
