import { StructdbError } from '../../../core/errors.ts';
import type { Table } from '../../readers/content.ts';
import { openWorkbook, type Sheet } from './package.ts';
import { type CellDoubt, columnName, type SheetRow } from './sheet.ts';

export interface WorkbookOptions {
  /** The sheet to read, where several hold a table. */
  readonly sheet?: string;
  /** Whether a row is the header of a format that can be imported. */
  readonly isHeader: (cells: readonly string[]) => boolean;
}

/** A title and remarks may stand above the header. */
const ROWS_ABOVE = 20;

/**
 * The table of an .xlsx workbook: of the one sheet with a header that is known. Lines are the numbers of rows. Numbers are
 * those of the raw cells, not as they are displayed; a formula has no number of its own.
 * @throws CATALOG_UNREADABLE, CATALOG_UNKNOWN when no sheet or several have a table
 */
export function readWorkbook(bytes: Uint8Array, file: string, options: WorkbookOptions): Table {
  const sheets = openWorkbook(bytes, file);
  const wanted = options.sheet === undefined ? sheets : sheets.filter(({ name }) => isCalled(name, options.sheet!));
  if (wanted.length === 0) {
    throw new StructdbError('CATALOG_UNKNOWN', `${file} has no sheet ${JSON.stringify(options.sheet ?? '')}.`, {
      hint: `It has: ${sheets.map(({ name }) => JSON.stringify(name)).join(', ')}.`,
    });
  }
  const read = wanted.map((sheet) => ({ sheet, rows: sheet.rows() }));
  const fitting = read.flatMap(({ sheet, rows }) => {
    const at = rows.slice(0, ROWS_ABOVE).findIndex(({ cells }) => options.isHeader(trimmed(cells)));
    return at < 0 ? [] : [{ sheet, rows, at }];
  });
  const [found] = fitting;
  if (found === undefined) throw noTable(file, read);
  if (fitting.length > 1) {
    const names = fitting.map(({ sheet }) => JSON.stringify(sheet.name));
    throw new StructdbError(
      'CATALOG_UNKNOWN',
      `${file} has ${names.length} sheets with a table: ${names.join(', ')}.`,
      {
        hint: `Say which, for example: --sheet ${names[0]}`,
      },
    );
  }
  const { sheet, rows, at } = found;
  const skipped = sheets.filter((other) => other !== sheet).map(({ name }) => JSON.stringify(name));
  const notes = [
    ...(skipped.length === 0
      ? []
      : [`Skipped the ${skipped.length === 1 ? 'sheet' : 'sheets'} ${skipped.join(', ')}.`]),
    ...(at === 0 ? [] : [`The header is in row ${rows[at]!.line}; what stands above was skipped.`]),
  ];
  const stated = editionsStated(
    sheet.name,
    read.filter((other) => other.sheet !== sheet),
  );
  return {
    ...tableOf(file, rows, at),
    recognised: { sheet: sheet.name, ...(notes.length === 0 ? {} : { notes }) },
    ...(stated ? { stated } : {}),
  };
}

function tableOf(file: string, rows: readonly SheetRow[], at: number): Omit<Table, 'recognised'> {
  const head = rows[at]!;
  const header = trimmed(head.cells);
  const formula = head.doubts[0];
  if (formula) {
    throw new StructdbError('CATALOG_UNREADABLE', `${file}, row ${head.line}: in the header, ${formula.reason}.`, {
      hint: 'Write the header as plain text.',
    });
  }
  const unreadable = new Map<number, CellDoubt>();
  const records = rows.slice(at + 1).map((row) => {
    const { line, cells } = row;
    const doubt =
      row.doubts.find(({ column }) => header[column] !== '' && column < header.length) ?? lostZero(row, header);
    if (doubt) unreadable.set(line, { ...doubt, reason: doubt.reason.replace(/^cell [A-Z]+/, `$&${line}`) });
    const padded = cells.length < header.length ? [...cells, ...Array(header.length - cells.length).fill('')] : cells;
    return { line, cells: (count?: number) => (count === undefined ? padded : padded.slice(0, count)) };
  });
  return { file, header, records, unreadable };
}

/** A section is a name: as a number, 26.10 has become 26.1. */
function lostZero({ cells, numbers }: SheetRow, header: readonly string[]): CellDoubt | undefined {
  const column = header.indexOf('section');
  if (!numbers.has(column) || !cells[column]!.includes('.')) return undefined;
  const reason = `cell ${columnName(column)} is a number, for which 26.10 and 26.1 are the same; type it as text`;
  return { column, value: cells[column]!, reason };
}

function trimmed(cells: readonly string[]): string[] {
  return cells.map((cell) => cell.trim());
}

function isCalled(name: string, wanted: string): boolean {
  return name.trim().toLowerCase() === wanted.trim().toLowerCase();
}

/** The editions that the name of the sheet speaks of (`Database v16.0`), or else the other sheets (the Readme). */
function editionsStated(
  sheet: string,
  others: readonly { readonly sheet: Sheet; readonly rows: readonly SheetRow[] }[],
) {
  const mentioned = (text: string) => [...text.matchAll(/\bv(\d\d\.\d)\b/gi)].map(([, edition]) => `v${edition}`);
  const [named] = mentioned(sheet);
  if (named !== undefined) return { editions: [named], by: `the name of the sheet "${sheet}"` };
  for (const other of others) {
    const texts = [other.sheet.name, ...other.rows.flatMap(({ cells }) => cells)];
    const editions = [...new Set(texts.flatMap(mentioned))];
    if (editions.length > 0) return { editions, by: `the sheet "${other.sheet.name}"` };
  }
  return undefined;
}

function noTable(file: string, sheets: readonly { readonly sheet: Sheet; readonly rows: readonly SheetRow[] }[]) {
  const details = sheets.map(({ sheet, rows }) => {
    const begin = rows[0]?.cells
      .filter((cell) => cell.trim() !== '')
      .slice(0, 4)
      .join(', ')
      .slice(0, 80);
    return `sheet "${sheet.name}" ${begin === undefined ? 'is empty' : `begins "${begin}"`}`;
  });
  return new StructdbError('CATALOG_UNKNOWN', `${file} has no sheet that fits a catalog format.`, {
    details,
    hint: 'docs/catalog.md shows the header of each format.',
  });
}
