import { KEY_COLUMNS, type MaterialRow, NUMBER_COLUMNS, TEXT_COLUMNS } from './rows.ts';

/**
 * Rows in structdb's own layout: a CSV with the key, the typed columns and one column per property, leaving out the
 * columns that no row uses. Reading it gives the same rows.
 */
export function writeMaterials(rows: readonly MaterialRow[], propertyOrder: readonly string[]): string {
  const cellsOf: readonly (readonly [string, (row: MaterialRow) => string])[] = [
    [KEY_COLUMNS[0], (row) => row.standard],
    [KEY_COLUMNS[1], (row) => row.edition],
    [KEY_COLUMNS[2], (row) => row.unitSystem],
    [KEY_COLUMNS[3], (row) => row.designation],
    [KEY_COLUMNS[4], (row) => row.variant],
    ...TEXT_COLUMNS.map((name) => [name, (row: MaterialRow) => row.texts[name] ?? ''] as const),
    ...NUMBER_COLUMNS.map((name) => [name, (row: MaterialRow) => row.numbers[name] ?? ''] as const),
    ...propertyOrder.map((name) => [name, (row: MaterialRow) => propertyText(row, name)] as const),
  ];
  const used = cellsOf.filter(([, cell]) => rows.some((row) => cell(row) !== ''));
  const lines = rows.map((row) => csvLine(used.map(([, cell]) => cell(row))));
  return `${[used.map(([name]) => name).join(','), ...lines].join('\n')}\n`;
}

function propertyText(row: MaterialRow, name: string): string {
  const value = row.properties.get(name) ?? '';
  return typeof value === 'string' ? value : value.text;
}

/** A line of a CSV file (RFC 4180 but for the line end), with quotes where they must be. */
export function csvLine(cells: readonly string[]): string {
  return cells.map(quote).join(',');
}

function quote(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
