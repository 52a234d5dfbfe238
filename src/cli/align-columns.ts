/** Lines with columns of equal width; the named ones are aligned to the right. */
export function alignColumns(table: readonly (readonly string[])[], right: readonly number[]): string[] {
  const widths = table[0]?.map((_, at) => Math.max(...table.map((row) => (row[at] ?? '').length))) ?? [];
  return table.map((row) =>
    row
      .map((cell, at) => (right.includes(at) ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)))
      .join('  ')
      .trimEnd(),
  );
}
