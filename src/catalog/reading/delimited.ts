import { CsvError, parse } from 'csv-parse/sync';
import { StructdbError } from '../../core/errors.ts';
import { cutQuoted } from './quoted.ts';

/** A record taken apart. */
export interface DelimitedLine {
  /** Where the record begins in the file, counted from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** A record of a file. */
export interface RawRecord {
  /** Where the record begins in the file, counted from 1. */
  readonly line: number;
  /** All cells, or the first `count`. They may be cut anew by each call: 400,000 strings kept at once would be the import. */
  cells(count?: number): readonly string[];
}

/**
 * The records of a CSV text (RFC 4180; comma, semicolon or tab, as the first line has them), without those that are
 * wholly blank. Line ends may be LF, CRLF or CR. A text without any quote, as the catalogs that ship are, only needs to be
 * cut at its delimiters, which is seven times as fast as csv-parse; what is wrong with a text is csv-parse's to say.
 * @throws CATALOG_UNREADABLE for quotes that are never closed or stand in the middle of a cell, and rows without end
 */
export function splitRecords(text: string, file: string): RawRecord[] {
  return cutRecords(text, delimiterOf(text), file, 1).records;
}

/** The records of a part of a file that begins at the line `first`, and how many lines it has. @throws CATALOG_UNREADABLE */
export function cutRecords(
  text: string,
  delimiter: string,
  file: string,
  first: number,
): { readonly records: RawRecord[]; readonly lines: number } {
  if (!text.includes('"')) return cutPlain(text, delimiter, file, first);
  return cutQuoted(text, delimiter, file, first) ?? parseQuoted(text, delimiter, file, first);
}

function cutPlain(
  text: string,
  delimiter: string,
  file: string,
  first: number,
): { records: RawRecord[]; lines: number } {
  const records: RawRecord[] = [];
  const lines = text.split(/\r\n|\n|\r/);
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index]!;
    if (line.length > RECORD_CHARACTERS) throw rowTooLong(file, first + index);
    if (!isBlank(line, delimiter)) records.push(new PlainRecord(first + index, line, delimiter));
  }
  return { records, lines: lines.length - 1 };
}

/** Cutting a row of megabytes into cells would take a hundred times its size. */
export const RECORD_CHARACTERS = 1024 * 1024;

export function rowTooLong(file: string, line: number): StructdbError {
  return new StructdbError(
    'CATALOG_UNREADABLE',
    `${file}, line ${line}: a row of more than ${RECORD_CHARACTERS} characters is none of a catalog.`,
    { hint: 'The file may have lost its line ends: fetch it again.' },
  );
}

class PlainRecord implements RawRecord {
  readonly line: number;
  readonly #text: string;
  readonly #delimiter: string;

  constructor(line: number, text: string, delimiter: string) {
    this.line = line;
    this.#text = text;
    this.#delimiter = delimiter;
  }

  cells(count?: number): string[] {
    return count === undefined ? cutCells(this.#text, this.#delimiter) : this.#text.split(this.#delimiter, count);
  }
}

const EN_DASH = '–';

/**
 * What `split` gives, in half the time: most cells of a table of shapes are empty or AISC's dash, which need no string of
 * their own.
 */
function cutCells(text: string, delimiter: string): string[] {
  const cells: string[] = [];
  const [parting, dash] = [delimiter.charCodeAt(0), EN_DASH.charCodeAt(0)];
  let at = 0;
  while (true) {
    const first = text.charCodeAt(at);
    if (first === parting) {
      cells.push('');
      at += 1;
    } else if (first === dash && text.charCodeAt(at + 1) === parting) {
      cells.push(EN_DASH);
      at += 2;
    } else {
      const end = text.indexOf(delimiter, at);
      if (end < 0) {
        cells.push(text.slice(at));
        return cells;
      }
      cells.push(text.slice(at, end));
      at = end + 1;
    }
  }
}

/** The records as csv-parse has them. @throws CATALOG_UNREADABLE */
export function parseQuoted(
  text: string,
  delimiter: string,
  file: string,
  first: number,
): { records: RawRecord[]; lines: number } {
  const records: RawRecord[] = [];
  let line = first;
  try {
    parse(text, {
      delimiter,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      max_record_size: RECORD_CHARACTERS,
      on_record: (cells: string[], { lines }) => {
        const begin = line;
        line = first + lines;
        if (cells.some((cell) => cell.trim() !== '')) {
          records.push({ line: begin, cells: (count) => cells.slice(0, count) });
        }
        return null;
      },
    });
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw cause.code === 'CSV_MAX_RECORD_SIZE' ? rowTooLong(file, line) : badQuotes(cause, file, line);
  }
  return { records, lines: line - first };
}

function badQuotes(cause: CsvError, file: string, line: number): StructdbError {
  const [what, hint] =
    cause.code === 'CSV_QUOTE_NOT_CLOSED'
      ? ['a quote is opened and never closed', 'The file may be truncated: fetch it again.']
      : ['a quote stands in the middle of a cell', 'Write such a cell in quotes, with each quote of its own doubled.'];
  return new StructdbError('CATALOG_UNREADABLE', `${file}, line ${line}: ${what}.`, { cause, hint });
}

/** The delimiter that the first line with text in it has most of. */
export function delimiterOf(text: string): string {
  const header = /\S.*/.exec(text)?.[0] ?? '';
  const bare = header.replaceAll(/"[^"]*"/g, '');
  const count = (character: string) => bare.split(character).length;
  return [',', ';', '\t'].reduce((best, next) => (count(next) > count(best) ? next : best));
}

function isBlank(record: string, delimiter: string): boolean {
  for (const character of record) if (character !== delimiter && character.trim() !== '') return false;
  return true;
}
