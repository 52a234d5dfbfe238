import { parseDecimal, withoutBinaryNoise } from '../decimal.ts';
import { walkXml } from './xml.ts';

/** Why the text of a cell is not to be trusted. */
export interface CellDoubt {
  readonly column: number;
  readonly value: string;
  readonly reason: string;
}

/** A row of a sheet with at least one cell that is not blank. */
export interface SheetRow {
  /** The number that the program shows beside it. */
  readonly line: number;
  readonly cells: readonly string[];
  readonly doubts: readonly CellDoubt[];
  /** Columns, counted from 0, whose cells are numbers: of those only the value is there, not how it was written. */
  readonly numbers: ReadonlySet<number>;
}

export interface Styles {
  /** Whether cells of a style show a date, by the number of the style. */
  readonly isDate: readonly boolean[];
}

/** No catalog has nearly as many columns; a single cell at the far right would make every row that wide. */
const COLUMNS = 1000;

/** The rows of a sheet, without those that are wholly blank. @throws Error for what is no sheet */
export function readSheet(xml: Uint8Array, strings: readonly string[], styles: Styles): SheetRow[] {
  const rows: SheetRow[] = [];
  let line = 0;
  let row = emptyRow();
  let cell: Cell | undefined;
  let inside: 'v' | 'f' | 't' | undefined;
  let phonetic = false;
  walkXml(xml, {
    open: (name, attributes) => {
      if (name === 'row') {
        line = Number(attributes.r ?? line + 1);
        row = emptyRow();
      } else if (name === 'c') {
        const column = attributes.r === undefined ? (cell?.column ?? -1) + 1 : columnOf(attributes.r);
        cell = { column, type: attributes.t ?? 'n', style: Number(attributes.s ?? 0), text: '', formula: undefined };
      } else if (name === 'f' && cell) {
        inside = 'f';
        cell.formula = '';
      } else if (name === 'rPh') phonetic = true;
      else if (name === 'v' || (name === 't' && !phonetic)) inside = name;
    },
    text: (text) => {
      if (!cell || inside === undefined) return;
      if (inside === 'f') cell.formula += text;
      else cell.text += text;
    },
    close: (name) => {
      if (name === 'rPh') phonetic = false;
      else if (name === 'c' && cell) add(row, cell, strings, styles);
      else if (name === 'row') {
        cell = undefined;
        if (row.cells.some((text) => text.trim() !== '')) rows.push({ line, ...row });
      } else if (name === inside) inside = undefined;
    },
  });
  return rows;
}

interface Cell {
  readonly column: number;
  readonly type: string;
  readonly style: number;
  text: string;
  formula: string | undefined;
}

interface OpenRow {
  readonly cells: string[];
  readonly doubts: CellDoubt[];
  readonly numbers: Set<number>;
}

function emptyRow(): OpenRow {
  return { cells: [], doubts: [], numbers: new Set() };
}

function add(row: OpenRow, cell: Cell, strings: readonly string[], { isDate }: Styles): void {
  const { column, type, style, formula } = cell;
  if (cell.text === '' && formula === undefined) return;
  if (column >= COLUMNS) throw new Error(`it has a cell in column ${columnName(column)}`);
  while (row.cells.length <= column) row.cells.push('');
  row.cells[column] = textOf(cell, strings);
  const value = row.cells[column];
  if (type === 'n') row.numbers.add(column);
  const date = type === 'd' || (type === 'n' && isDate[style] === true);
  const reason =
    formula !== undefined
      ? `cell ${columnName(column)} is a formula (${formula === '' ? 'shared' : `=${formula}`}), whose value may be stale; paste values instead`
      : date
        ? `cell ${columnName(column)} is a date, as spreadsheets make of 3/4; type it as text`
        : undefined;
  if (reason !== undefined) row.doubts.push({ column, value, reason });
}

function textOf({ type, text }: Cell, strings: readonly string[]): string {
  if (type === 's') return strings[Number(text)] ?? '';
  if (type === 'b') return text === '1' ? 'TRUE' : 'FALSE';
  if (type !== 'n') return unescaped(text);
  // A number is kept as a binary double, of which 17 digits are stored and 15 were meant.
  const decimal = parseDecimal(text.trim());
  return decimal === undefined ? text : withoutBinaryNoise(decimal);
}

/** `_x000D_` stands for a character that XML cannot hold. */
export function unescaped(text: string): string {
  return text.replaceAll(/_x([0-9A-Fa-f]{4})_/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** `D7` → 3. */
function columnOf(reference: string): number {
  let column = 0;
  for (const letter of reference.toUpperCase()) {
    if (letter < 'A' || letter > 'Z') break;
    column = column * 26 + letter.charCodeAt(0) - 64;
  }
  return column - 1;
}

/** 3 → `D`. */
export function columnName(column: number): string {
  const rest = Math.floor(column / 26);
  return (rest > 0 ? columnName(rest - 1) : '') + String.fromCharCode(65 + (column % 26));
}
