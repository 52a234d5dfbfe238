import { metricPower } from './readers/aisc-columns.ts';
import { timesPowerOfTen } from './reading/decimal.ts';
import { type MaterialRow, NUMBER_COLUMNS, type UnitSystem } from './rows.ts';

/**
 * Files rows of AISC's table whose edition nobody says, where that cannot be wrong: every one of them is, value by value, a
 * row of the shipped table. Undefined when a single value differs: the rows may be of another edition then.
 */
export function fileBySample(
  columns: ReadonlySet<string>,
  rows: readonly MaterialRow[],
  shipped: readonly MaterialRow[],
): MaterialRow[] | undefined {
  const known = new Map(shipped.map((row) => [`${row.unitSystem} ${row.designation}`, row]));
  const filed = rows.map((row) => {
    // A single-unit file is read as US until its names tell otherwise; the systems have no name in common.
    const candidates: readonly UnitSystem[] = columns.has('counterpart') ? [row.unitSystem] : ['US', 'SI'];
    const match = candidates.flatMap((system) => known.get(`${system} ${row.designation}`) ?? [])[0];
    if (!match) return undefined;
    const read = row.unitSystem === match.unitSystem ? row : metricRow(row);
    if (!sameValues(read, match, columns)) return undefined;
    return { ...read, edition: match.edition };
  });
  return filed.every((row) => row !== undefined) ? filed : undefined;
}

/** A row that was read as US and is metric: with AISC's powers of ten. */
function metricRow(row: MaterialRow): MaterialRow {
  const numbers = Object.fromEntries(
    Object.entries(row.numbers).map(([name, value]) => [name, value && timesPowerOfTen(value, metricPower(name))]),
  );
  const properties = row.properties.map((name, value) =>
    typeof value === 'string' ? timesPowerOfTen(value, metricPower(name)) : value,
  );
  return { ...row, unitSystem: 'SI', numbers, properties };
}

function sameValues(row: MaterialRow, other: MaterialRow, columns: ReadonlySet<string>): boolean {
  const numbers = NUMBER_COLUMNS.filter((name) => columns.has(name));
  if (numbers.some((name) => (row.numbers[name] ?? null) !== (other.numbers[name] ?? null))) return false;
  return [...columns].every((name) => text(row.properties.get(name)) === text(other.properties.get(name)));
}

function text(value: string | { readonly text: string } | undefined): string | undefined {
  return typeof value === 'object' ? value.text : value;
}
