import { inJsonbOrder, Properties, PropertyNames } from '../properties.ts';
import { timesPowerOfTen } from '../reading/decimal.ts';
import type { DelimitedLine } from '../reading/delimited.ts';
import type { MaterialRow, NumberColumn, RowProblem } from '../rows.ts';
import type { BlockColumn } from './aisc-blocks.ts';
import { readAiscCell } from './aisc-cell.ts';
import type { Target } from './aisc-columns.ts';

export interface AiscValues {
  readonly numbers: MaterialRow['numbers'];
  readonly properties: Properties;
  readonly problems: readonly RowProblem[];
}

/** Where each number of a record goes. Made once for a table, because it has 400,000 cells. */
export interface ValuePlan {
  readonly columns: readonly PlannedColumn[];
  readonly names: PropertyNames;
}

interface PlannedColumn {
  readonly at: number;
  readonly name: string;
  readonly number: NumberColumn | undefined;
  readonly isDepth: boolean;
  readonly property: number | undefined;
  readonly power: number;
  readonly mayBeZero: boolean;
}

/** @param further properties that come from elsewhere */
export function planValues(columns: readonly BlockColumn[], further: readonly string[] = []): ValuePlan {
  const numeric = columns.filter(({ target }) => hasNumber(target));
  const own = numeric.flatMap(({ target }) => propertyOf(target) ?? []);
  const names = new PropertyNames([...own, ...further].sort(inJsonbOrder));
  return {
    names,
    columns: numeric.map(({ at, name, target, power = 0 }) => {
      const property = propertyOf(target);
      return {
        at,
        name,
        number: target.kind === 'number' ? target.column : undefined,
        isDepth: target.kind === 'depth',
        property: property === undefined ? undefined : names.placeOf(property),
        power,
        mayBeZero: mayBeZero(target),
      };
    }),
  };
}

function propertyOf(target: Target): string | undefined {
  return target.kind === 'property' || target.kind === 'depth' ? target.name : undefined;
}

/** The numbers of one shape in one unit system, and what is wrong with its cells. */
export function readValues(file: string, record: DelimitedLine, { columns, names }: ValuePlan): AiscValues {
  const numbers: Partial<Record<NumberColumn, string | null>> = {};
  const properties = new Properties(names);
  const problems: RowProblem[] = [];
  for (const { at, name, number, isDepth, property, power, mayBeZero } of columns) {
    const text = record.cells[at]!;
    const cell = readAiscCell(text);
    if (typeof cell === 'object' && cell !== null) {
      problems.push({ file, line: record.line, column: name, value: text, reason: cell.reason });
      continue;
    }
    if (cell === '0' && !mayBeZero) problems.push({ file, line: record.line, column: name, value: text, reason: ZERO });
    const value = power !== 0 && cell !== null ? timesPowerOfTen(cell, power) : cell;
    if (number !== undefined) numbers[number] = value;
    if (isDepth) numbers.depth ??= value;
    if (property !== undefined && value !== null) properties.set(property, value);
  }
  if (problems.length > 1) {
    const places = new Map(columns.map(({ name, at }) => [name, at]));
    problems.sort((a, b) => places.get(a.column)! - places.get(b.column)!);
  }
  return { numbers, properties, problems };
}

/** What the columns fill, in words of the database. */
export function columnNames(columns: readonly BlockColumn[]): string[] {
  return columns.flatMap(({ target }) => {
    if (target.kind === 'number') return [target.column];
    if (target.kind === 'property') return [target.name];
    return target.kind === 'depth' ? ['depth', ...(target.name ? [target.name] : [])] : [];
  });
}

/** The file's name of a column that the database knows under `name`. */
export function headerOf(columns: readonly BlockColumn[], name: string): string {
  const named = (kind: Target['kind']) => columns.find(({ target }) => target.kind === kind)?.name;
  if (name === 'designation') return named('designation') ?? named('label') ?? name;
  return columns.find((column) => columnNames([column]).includes(name))?.name ?? name;
}

const ZERO = 'zero, which no value of this column is; some exports write 0 for "no value", which cannot be told apart';

/** The only zeros of AISC's tables: the distance zB of equal-leg angles. */
function mayBeZero(target: Target): boolean {
  return target.kind === 'property' && target.name === 'z_b';
}

function hasNumber(target: Target): boolean {
  return target.kind === 'number' || target.kind === 'property' || target.kind === 'depth';
}
