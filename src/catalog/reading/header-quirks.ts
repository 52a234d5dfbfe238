import type { Table } from '../readers/content.ts';
import type { RawRecord } from './delimited.ts';

/**
 * The table without what programs add around it: a line of numbers before the header, and a column that counts the rows
 * (pandas writes both). Columns without a header and without a value are marked, for the readers to leave out.
 */
export function tidyTable(table: Table): Table {
  const headed = withoutIndexLine(table);
  // pandas reads a column without a header as `Unnamed: 84`.
  const header = headed.header.map((name) => (/^Unnamed: \d+$/.test(name) ? '' : name));
  return header.includes('') ? withoutNameless({ ...headed, header }) : headed;
}

function withoutIndexLine(table: Table): Table {
  const [next, ...records] = table.header.length > 2 && counts(table.header) ? table.records : [];
  if (next === undefined) return table;
  const header = next.cells().map((cell) => cell.trim());
  return noting({ ...table, header, records }, `The first line counts the columns and was skipped.`);
}

/** Whether the cells are numbers one after the other; the first may be blank, where a column of row numbers follows. */
function counts(cells: readonly string[]): boolean {
  const [first, ...rest] = cells;
  const numbers = first === '' ? rest : cells;
  const start = Number(numbers[0]);
  return (start === 0 || start === 1) && numbers.every((cell, at) => cell === String(start + at));
}

function withoutNameless(table: Table): Table {
  const valued = new Set<number>();
  const nameless = table.header.flatMap((name, at) => (name === '' ? [at] : []));
  const isIndex = nameless[0] === 0 && countsRows(table);
  for (const record of table.records) {
    const cells = record.cells();
    for (const at of nameless) if ((cells[at] ?? '').trim() !== '') valued.add(at);
  }
  const leftOut = new Set(nameless.filter((at) => (at === 0 && isIndex) || !valued.has(at)));
  const marked = { ...table, leftOut };
  if (!isIndex) return marked;
  // A blank row that pandas numbered is blank still.
  const records = table.records.filter((record) => record.cells().some((cell, at) => at > 0 && cell.trim() !== ''));
  return noting({ ...marked, records }, 'The first column counts the rows and was skipped.');
}

function countsRows({ records }: Table): boolean {
  const first = (record: RawRecord | undefined) => record?.cells(1)[0]?.trim() ?? '';
  const start = first(records[0]);
  return (
    (start === '0' || start === '1') && records.every((record, at) => first(record) === String(Number(start) + at))
  );
}

function noting(table: Table, note: string): Table {
  const { recognised } = table;
  return { ...table, recognised: { ...recognised, notes: [...(recognised.notes ?? []), note] } };
}
