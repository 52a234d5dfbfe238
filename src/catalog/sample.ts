import type { MaterialContent } from './readers/content.ts';
import { type MaterialRow, NUMBER_COLUMNS, type UnitSystem } from './rows.ts';

/**
 * Files a part of AISC's table without asking for its edition where that cannot be wrong: every row of it is, value by
 * value, a row of the shipped table. Undefined when a single value differs: the part may be of another edition then.
 */
export function fileBySample(content: MaterialContent, shipped: readonly MaterialRow[]): MaterialContent | undefined {
  const known = new Map(shipped.map((row) => [`${row.unitSystem} ${row.designation}`, row]));
  // A single-unit file is read as US until its names tell otherwise; both systems have no name in common.
  const rows = content.rows.map((row) => {
    const candidates: readonly UnitSystem[] = content.columns.has('counterpart') ? [row.unitSystem] : ['US', 'SI'];
    const match = candidates.flatMap((system) => known.get(`${system} ${row.designation}`) ?? [])[0];
    if (!match || !sameValues(row, match, content.columns)) return undefined;
    return { ...row, edition: match.edition, unitSystem: match.unitSystem };
  });
  if (rows.some((row) => row === undefined)) return undefined;
  const { undecided: _, ...rest } = content;
  return { ...rest, rows: rows as MaterialRow[] };
}

function sameValues(row: MaterialRow, other: MaterialRow, columns: ReadonlySet<string>): boolean {
  const numbers = NUMBER_COLUMNS.filter((name) => columns.has(name));
  if (numbers.some((name) => (row.numbers[name] ?? null) !== (other.numbers[name] ?? null))) return false;
  return [...columns].every((name) => text(row.properties.get(name)) === text(other.properties.get(name)));
}

function text(value: string | { readonly text: string } | undefined): string | undefined {
  return typeof value === 'object' ? value.text : value;
}
