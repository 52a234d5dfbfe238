/** A piece of SQL text that is more than white space. */
export interface SqlToken {
  /** `word`: a keyword or a name without quotes. `quoted`: a string, a dollar-quoted text or a quoted name. */
  readonly kind: 'comment' | 'quoted' | 'word' | 'symbol';
  /** From 0, in UTF-16 units; `end` is behind the last one. */
  readonly start: number;
  readonly end: number;
  /** A comment or quoted text that never ends. */
  readonly open?: true;
}

/**
 * White space and the beginning of what follows, one group for each kind. PostgreSQL takes every character beyond ASCII
 * for a letter (src/backend/parser/scan.l, ident_start). One pattern for all, because hundreds of files are read before
 * anything else is done.
 */
const NEXT =
  /\s*(?:(--[^\n]*)|(\/\*)|((?:[eE](?='))?['"])|(\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|(\d[\w.]*|\$\d+|\S))?/y;
/** Two strings with a line break between them are one. */
const CONTINUED = /[ \t\r\f\v]*\n\s*'/y;

/**
 * The tokens of SQL as PostgreSQL's lexer (scan.l) and psql's (psqlscan.l) see them, as far as it takes to know what is
 * quoted and what a comment. Takes standard_conforming_strings for on, its default.
 */
export function sqlTokens(text: string): SqlToken[] {
  const tokens: SqlToken[] = [];
  let at = 0;
  while (at < text.length) {
    NEXT.lastIndex = at;
    const [whole, comment, block, quote, tag, word, symbol] = NEXT.exec(text)!;
    const begun = at + whole.length;
    const token = (kind: SqlToken['kind'], first: string, end: number | undefined) => {
      at = end ?? text.length;
      const start = begun - first.length;
      tokens.push(end === undefined ? { kind, start, end: at, open: true } : { kind, start, end });
    };
    if (word !== undefined) token('word', word, begun);
    else if (symbol !== undefined) token('symbol', symbol, begun);
    else if (comment !== undefined) token('comment', comment, begun);
    else if (quote !== undefined) token('quoted', quote, endOfQuoted(text, begun - 1, quote.length > 1));
    else if (tag !== undefined) token('quoted', tag, endOfDollar(text, begun, tag));
    else if (block !== undefined) token('comment', block, endOfBlockComment(text, begun - 2));
    else at = begun;
  }
  return tokens;
}

/** They nest. */
function endOfBlockComment(text: string, start: number): number | undefined {
  const boundary = /\/\*|\*\//g;
  boundary.lastIndex = start;
  let depth = 0;
  for (let found = boundary.exec(text); found; found = boundary.exec(text)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return boundary.lastIndex;
  }
  return undefined;
}

/** `start`: behind the tag that opens it. */
function endOfDollar(text: string, start: number, tag: string): number | undefined {
  const end = text.indexOf(tag, start);
  return end < 0 ? undefined : end + tag.length;
}

/** A doubled quote is part of the text; with escapes a quote behind a backslash too. */
function endOfQuoted(text: string, start: number, escapes: boolean): number | undefined {
  const quote = text[start]!;
  for (let at = start + 1; at < text.length; at += 1) {
    if (escapes && text[at] === '\\') at += 1;
    else if (text[at] === quote) {
      if (text[at + 1] === quote) at += 1;
      else {
        CONTINUED.lastIndex = at + 1;
        const continued = quote === "'" ? CONTINUED.exec(text)?.[0] : undefined;
        if (continued === undefined) return at + 1;
        at += continued.length;
      }
    }
  }
  return undefined;
}
