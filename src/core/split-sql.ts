import { type SqlToken, sqlTokens } from './sql-tokens.ts';

/** One statement of a SQL text: without the semicolon, and without comments before it. */
export interface SqlStatement {
  readonly text: string;
  /** Where it begins in the whole text, from 0. */
  readonly offset: number;
  /** Its first two words without quotes, in lower case. */
  readonly words: readonly string[];
}

/** What cannot be split, and where. */
export class SqlSplitError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/**
 * The statements of a text, split as psql does: not at a semicolon within quotes, comments, parentheses (CREATE RULE) or
 * the body of a function in standard SQL (BEGIN ATOMIC … END).
 * @throws SqlSplitError for an open quote or comment, and for psql's own commands
 */
export function splitSql(text: string): SqlStatement[] {
  return splitTokens(text, sqlTokens(text));
}

/** The statements that some of a text's tokens make. @throws as splitSql */
export function splitTokens(text: string, tokens: readonly SqlToken[]): SqlStatement[] {
  const statements: SqlStatement[] = [];
  let reader = new StatementReader(text);
  for (const token of tokens) {
    if (token.open) throw new SqlSplitError('a quote or comment begins here and never ends', token.start);
    if (token.kind === 'comment') continue;
    if (text[token.start] === '\\') {
      throw new SqlSplitError('a command of psql (\\…), which no server understands', token.start);
    }
    if (!reader.endsAt(token)) reader.take(token);
    else {
      statements.push(...reader.statement());
      reader = new StatementReader(text);
    }
  }
  return [...statements, ...reader.statement()];
}

const FUNCTION = /^create (or replace )?(function|procedure)/;

class StatementReader {
  readonly #text: string;
  #start: number | undefined;
  #end = 0;
  #parentheses = 0;
  #bodies = 0;
  #hasBody = false;
  readonly #words: string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  endsAt(token: SqlToken): boolean {
    return this.#text[token.start] === ';' && token.kind === 'symbol' && this.#parentheses <= 0 && this.#bodies === 0;
  }

  take(token: SqlToken): void {
    this.#start ??= token.start;
    this.#end = token.end;
    if (token.kind === 'word') this.#takeWord(token);
    else if (token.kind === 'symbol') {
      const symbol = this.#text[token.start];
      if (symbol === '(') this.#parentheses += 1;
      if (symbol === ')') this.#parentheses -= 1;
    }
  }

  statement(): SqlStatement[] {
    if (this.#start === undefined) return [];
    const text = this.#text.slice(this.#start, this.#end);
    return [{ text, offset: this.#start, words: this.#words.slice(0, 2) }];
  }

  /** A CASE ends with END too, so it counts within a body (psqlscan.l does the same). */
  #takeWord({ start, end }: SqlToken): void {
    const isFirst = this.#words.length < 4;
    if (!isFirst && !this.#hasBody) return;
    const word = this.#text.slice(start, end).toLowerCase();
    if (isFirst) {
      this.#words.push(word);
      this.#hasBody = FUNCTION.test(this.#words.join(' '));
    }
    if (!this.#hasBody || this.#parentheses > 0) return;
    if (word === 'begin' || (word === 'case' && this.#bodies > 0)) this.#bodies += 1;
    else if (word === 'end' && this.#bodies > 0) this.#bodies -= 1;
  }
}
