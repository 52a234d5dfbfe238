import type { StructdbError } from '../../core/errors.ts';
import type { StagedRow } from '../load/tables.ts';
import type { DelimitedLine, RawRecord } from '../reading/delimited.ts';
import type { Encoding } from '../reading/encodings.ts';
import type { MaterialRow, ReferenceRow, RowProblem, UnitSystem } from '../rows.ts';

/** What was found out about a file besides its content. */
export interface Recognised {
  /** The encoding of a text; a workbook has none of its own. */
  readonly encoding?: Encoding;
  readonly delimiter?: string;
  /** The sheet of a workbook that holds the table. */
  readonly sheet?: string;
  /** What was skipped or derived, a sentence each. */
  readonly notes?: readonly string[];
}

/** A file as a table: its header and its records, nothing interpreted yet. */
export interface Table {
  readonly file: string;
  readonly header: readonly string[];
  readonly records: readonly RawRecord[];
  readonly recognised: Recognised;
  /** Columns without a header that hold nothing but blanks or the number of the row: nobody's loss. */
  readonly leftOut?: ReadonlySet<number>;
  /** By line: a cell whose value cannot be trusted, as that of a formula. */
  readonly unreadable?: ReadonlyMap<
    number,
    { readonly column: number; readonly value: string; readonly reason: string }
  >;
  /** The editions that a workbook speaks of besides its data; one that is none of them contradicts it. */
  readonly stated?: { readonly editions: readonly string[]; readonly by: string };
}

/** What of a table its rejected records need to become a file again. */
export type FileLayout = Pick<Table, 'header' | 'leftOut' | 'unreadable'>;

/** What the user says about a file whose content does not say it. */
export interface Declared {
  readonly edition?: string;
  readonly unitSystem?: UnitSystem;
  readonly encoding?: Encoding;
  /** The sheet of a workbook that has several tables. */
  readonly sheet?: string;
}

/** One published table of a standard in one unit system: what a whole file replaces, and what retirement looks at. */
export interface Scope {
  readonly standard: string;
  readonly edition: string;
  readonly unitSystem: UnitSystem;
  /**
   * Which table of that edition: `''` is the main one of shapes, `A1085` AISC's supplement. Null means all: the variant of a
   * grade spells its form and thickness and is part of its name.
   */
  readonly variant: string | null;
}

/** What one record of a file says: its rows, or what is wrong with it. Never both. */
export interface Reading<Row> {
  readonly rows: readonly Row[];
  readonly problems: readonly RowProblem[];
  /** What looks odd about rows that are taken all the same. */
  readonly warnings?: readonly RowProblem[];
  /** The record itself, where there are problems or warnings. */
  readonly record?: RawRecord;
}

export interface MaterialContent {
  readonly kind: 'materials';
  readonly format: string;
  readonly records: readonly RawRecord[];
  readonly recognised: Recognised;
  readonly layout?: FileLayout;
  /** Interprets one record. Record by record, so that the database takes the first rows while the last are being read. */
  readonly read: (record: DelimitedLine) => Reading<MaterialRow>;
  /** Columns of material_catalog and names of properties that the file has a column for, valued or not. */
  readonly columns: ReadonlySet<string>;
  /** The file's own name of a column of the database, for messages. */
  readonly headerOf: (column: string, unitSystem: UnitSystem) => string;
  /** All that its rows belong to, where that is known before they are read. */
  readonly scopes?: readonly Scope[];
  /** The scopes of which the file is recognised as holding every row. Worked out when asked. */
  readonly whole: () => readonly Scope[];
  /** The rows unread and unchecked, as their cells stand: only for a file that is known to be good. */
  readonly readTrusted?: () => Iterable<Reading<StagedRow>>;
  /** Why the rows cannot be filed as they stand: what the content does not prove must be declared. */
  readonly undecided?: StructdbError;
}

export interface ReferenceContent {
  readonly kind: 'references';
  readonly format: string;
  readonly records: readonly RawRecord[];
  readonly recognised: Recognised;
  readonly layout?: FileLayout;
  readonly read: (record: DelimitedLine) => Reading<ReferenceRow>;
  readonly columns: ReadonlySet<string>;
}

export type CatalogContent = MaterialContent | ReferenceContent;

/** One format: knows its files by their header, and reads them. */
export interface CatalogReader<Content = CatalogContent> {
  readonly format: string;
  /** Interprets each record by itself: a file of any size can be read, of whose records `read` is then shown none. */
  readonly streams?: true;
  recognises(header: readonly string[]): boolean;
  read(table: Table, declared: Declared): Content;
}

/** The reading of a record that is wrong. */
export function bad(...problems: readonly RowProblem[]): Reading<never> {
  return { rows: [], problems };
}

/**
 * The problem of a record that has a cell not to be trusted, or not as many cells as the header; or undefined. Blank cells
 * beyond it are harmless.
 */
export function recordProblem(table: Table, record: DelimitedLine): RowProblem | undefined {
  const { header, file } = table;
  const { cells, line } = record;
  const unreadable = table.unreadable?.get(line);
  if (unreadable) {
    const { column, value, reason } = unreadable;
    return { file, line, column: header[column] ?? '', value, reason };
  }
  if (cells.length === header.length) return undefined;
  if (cells.length < header.length && header.slice(cells.length).every((name) => name === '')) return undefined;
  if (cells.length > header.length && cells.slice(header.length).every((cell) => cell.trim() === '')) return undefined;
  const reason =
    cells.length < header.length
      ? `the row ends after ${cells.length} of ${header.length} cells; the file may be truncated`
      : `the row has ${cells.length} cells where the header has ${header.length}`;
  return {
    file,
    line,
    column: header[Math.min(cells.length, header.length) - 1] ?? '',
    value: cells.at(-1) ?? '',
    reason,
  };
}
