import { StructdbError } from '../core/errors.ts';

/** A record taken apart. */
export interface DelimitedLine {
  /** Where the record begins in the file, counted from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** A record of a file. Its cells are cut out when they are asked for: 400,000 strings kept at once would be the import. */
export class RawRecord {
  /** Where the record begins in the file, counted from 1. */
  readonly line: number;
  readonly #text: string;
  readonly #delimiter: string;

  constructor(line: number, text: string, delimiter: string) {
    this.line = line;
    this.#text = text;
    this.#delimiter = delimiter;
  }

  /** All cells, or the first `count`. Each call cuts anew. */
  cells(count?: number): string[] {
    if (this.#text.includes('"')) return splitQuoted(this.#text, this.#delimiter).slice(0, count);
    return this.#text.split(this.#delimiter, count);
  }
}

/**
 * The records of a CSV text (RFC 4180; comma, semicolon or tab, as the first line has them), without those that are
 * wholly blank. Line ends may be LF, CRLF or CR.
 * @throws CATALOG_UNREADABLE for a quote that is never closed
 */
export function splitRecords(text: string, file: string): RawRecord[] {
  const records: RawRecord[] = [];
  const lines = text.split(/\r\n|\n|\r/);
  const delimiter = delimiterOf(lines.find((line) => line.trim() !== '') ?? '');
  for (let index = 0; index < lines.length; index += 1) {
    const line = index + 1;
    let record = lines[index]!;
    // A quoted cell may hold line ends: take lines until the quotes are even.
    while (countQuotes(record) % 2 === 1) {
      index += 1;
      const next = lines[index];
      if (next === undefined) {
        throw new StructdbError('CATALOG_UNREADABLE', `${file}, line ${line}: a quote is opened and never closed.`, {
          hint: 'The file may be truncated: fetch it again.',
        });
      }
      record += `\n${next}`;
    }
    if (!isBlank(record, delimiter)) records.push(new RawRecord(line, record, delimiter));
  }
  return records;
}

function delimiterOf(header: string): string {
  const count = (character: string) => header.split(character).length;
  return [',', ';', '\t'].reduce((best, next) => (count(next) > count(best) ? next : best));
}

function isBlank(record: string, delimiter: string): boolean {
  for (const character of record) if (character !== delimiter && character.trim() !== '') return false;
  return true;
}

function countQuotes(text: string): number {
  if (!text.includes('"')) return 0;
  return text.split('"').length - 1;
}

function splitQuoted(record: string, delimiter: string): string[] {
  const cells: string[] = [];
  let cell = '';
  let quoted = false;
  for (let at = 0; at < record.length; at += 1) {
    const character = record[at]!;
    if (character === '"' && quoted && record[at + 1] === '"') {
      cell += '"';
      at += 1;
    } else if (character === '"') {
      quoted = !quoted;
    } else if (character === delimiter && !quoted) {
      cells.push(cell);
      cell = '';
    } else {
      cell += character;
    }
  }
  cells.push(cell);
  return cells;
}
