import { Properties } from '../properties.ts';
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

/** The numbers of one shape in one unit system, and what is wrong with its cells. */
export function readValues(file: string, record: DelimitedLine, columns: readonly BlockColumn[]): AiscValues {
  const numbers: Partial<Record<NumberColumn, string | null>> = {};
  const properties = new Properties();
  const problems: RowProblem[] = [];
  for (const { at, name, target, power } of columns) {
    if (!hasNumber(target)) continue;
    const text = record.cells[at]!;
    const cell = readAiscCell(text);
    const reason = 'reason' in cell ? cell.reason : cell.value === '0' && !mayBeZero(target) ? ZERO : undefined;
    if (reason !== undefined) problems.push({ file, line: record.line, column: name, value: text, reason });
    if (!('value' in cell)) continue;
    const value = power !== undefined && cell.value !== null ? timesPowerOfTen(cell.value, power) : cell.value;
    if (target.kind === 'number') numbers[target.column] = value;
    if (target.kind === 'depth') numbers.depth ??= value;
    const property = target.kind === 'property' || target.kind === 'depth' ? target.name : undefined;
    if (property !== undefined && value !== null) properties.add(property, value);
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
