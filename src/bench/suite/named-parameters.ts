import { sqlTokens } from '../../core/sql-tokens.ts';

/** A statement with its `:name`s turned into `$1`, `$2`, …: what PostgreSQL takes. */
export interface NamedStatement {
  readonly sql: string;
  /** The name behind `$1` first. A name that stands twice is one parameter. */
  readonly names: readonly string[];
}

/**
 * Numbers the `:name`s of a statement. None is within quotes and comments, in a cast (`::text`), or behind a value without
 * a space: that is a slice of an array (`days[1:n]`).
 */
export function numberParameters(text: string): NamedStatement {
  const tokens = sqlTokens(text);
  const names: string[] = [];
  let sql = '';
  let copied = 0;
  tokens.forEach((token, index) => {
    const word = tokens[index + 1];
    if (token.kind !== 'symbol' || text[token.start] !== ':' || token.end - token.start !== 1) return;
    if (
      word?.kind !== 'word' ||
      word.start !== token.end ||
      /[\w"')\]:$\u0080-\uffff]/.test(text[token.start - 1] ?? ' ')
    ) {
      return;
    }
    const name = text.slice(word.start, word.end);
    if (!names.includes(name)) names.push(name);
    sql += `${text.slice(copied, token.start)}$${names.indexOf(name) + 1}`;
    copied = word.end;
  });
  return { sql: sql + text.slice(copied), names };
}
