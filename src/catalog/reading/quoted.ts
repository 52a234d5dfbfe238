import { type RawRecord, RECORD_CHARACTERS, rowTooLong } from './delimited.ts';

/**
 * The records of a well-formed CSV text with quotes, found by jumping from quote to quote: five times as fast as csv-parse.
 * Undefined when a quote stands where none may, or is never closed: csv-parse says what is wrong then.
 */
export function cutQuoted(
  text: string,
  delimiter: string,
  file: string,
  first: number,
): { records: RawRecord[]; lines: number } | undefined {
  const records: RawRecord[] = [];
  const ends = new LineEnds(text);
  let line = first;
  let start = 0;
  let at = 0;
  let inside = 0;
  let quote = text.indexOf('"');
  while (start < text.length) {
    const end = ends.from(at);
    if (quote >= 0 && quote < end) {
      if (quote !== start && text[quote - 1] !== delimiter) return undefined;
      const closed = closingQuote(text, quote);
      const next = text[closed + 1];
      if (closed < 0 || !(next === undefined || next === delimiter || next === '\n' || next === '\r')) return undefined;
      if (closed > end) inside += countLineEnds(text, quote, closed);
      at = closed + 1;
      quote = text.indexOf('"', at);
      continue;
    }
    if (end - start > RECORD_CHARACTERS) throw rowTooLong(file, line);
    const record = new QuotedRecord(line, text.slice(start, end), delimiter);
    if (record.isFilled()) records.push(record);
    const isLast = end === text.length;
    line += inside + (isLast ? 0 : 1);
    inside = 0;
    start = isLast ? end : end + (text[end] === '\r' && text[end + 1] === '\n' ? 2 : 1);
    at = start;
  }
  return { records, lines: line - first };
}

/** The next line end, looked for only when the last one found is passed. */
class LineEnds {
  readonly #text: string;
  #lf = -1;
  #cr = -1;

  constructor(text: string) {
    this.#text = text;
  }

  from(at: number): number {
    if (this.#lf < at) this.#lf = this.#find('\n', at);
    if (this.#cr < at) this.#cr = this.#find('\r', at);
    return Math.min(this.#lf, this.#cr);
  }

  #find(character: string, at: number): number {
    const found = this.#text.indexOf(character, at);
    return found < 0 ? this.#text.length : found;
  }
}

function closingQuote(text: string, opened: number): number {
  let at = text.indexOf('"', opened + 1);
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}

function countLineEnds(text: string, from: number, to: number): number {
  return text.slice(from, to).split(/\r\n|\n|\r/).length - 1;
}

class QuotedRecord implements RawRecord {
  readonly line: number;
  readonly #text: string;
  readonly #delimiter: string;

  constructor(line: number, text: string, delimiter: string) {
    this.line = line;
    this.#text = text;
    this.#delimiter = delimiter;
  }

  /** Nearly every record says so by its first character. */
  isFilled(): boolean {
    const begin = this.#text[0];
    if (begin !== undefined && /[0-9A-Za-z]/.test(begin)) return true;
    return this.cells().some((cell) => cell.trim() !== '');
  }

  cells(count?: number): string[] {
    const [text, delimiter] = [this.#text, this.#delimiter];
    if (!text.includes('"')) return text.split(delimiter, count);
    const cells: string[] = [];
    for (let at = 0; at <= text.length; at += 1) {
      if (text[at] === '"') {
        const closed = closingQuote(text, at);
        cells.push(text.slice(at + 1, closed).replaceAll('""', '"'));
        at = closed + 1;
      } else {
        const found = text.indexOf(delimiter, at);
        const end = found < 0 ? text.length : found;
        cells.push(text.slice(at, end));
        at = end;
      }
    }
    return cells.slice(0, count);
  }
}
