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
    if (!match || !sameValues(row, match, columns)) return undefined;
    return { ...row, edition: match.edition, unitSystem: match.unitSystem };
  });
  return filed.every((row) => row !== undefined) ? filed : undefined;
}

function sameValues(row: MaterialRow, other: MaterialRow, columns: ReadonlySet<string>): boolean {
  const numbers = NUMBER_COLUMNS.filter((name) => columns.has(name));
  if (numbers.some((name) => (row.numbers[name] ?? null) !== (other.numbers[name] ?? null))) return false;
  return [...columns].every((name) => text(row.properties.get(name)) === text(other.properties.get(name)));
}

function text(value: string | { readonly text: string } | undefined): string | undefined {
  return typeof value === 'object' ? value.text : value;
}
