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

// PostgreSQL takes every character beyond ASCII for a letter (src/backend/parser/scan.l, ident_start).
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const NUMBER = /\d[\w.]*/y;
const PARAMETER = /\$\d+/y;
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
/** Two strings with a line break between them are one. */
const CONTINUED = /[ \t\r\f\v]*\n\s*'/y;

/**
 * The tokens of SQL as PostgreSQL's lexer (scan.l) and psql's (psqlscan.l) see them, as far as it takes to know what is
 * quoted and what a comment. Takes standard_conforming_strings for on, its default.
 */
export function* sqlTokens(text: string): Generator<SqlToken> {
  const match = (pattern: RegExp, at: number) => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  let at = 0;
  while (at < text.length) {
    const start = at;
    const character = text[at]!;
    if (/\s/.test(character)) {
      at += 1;
      continue;
    }
    if (text.startsWith('--', at)) {
      const newline = text.indexOf('\n', at);
      at = newline < 0 ? text.length : newline;
      yield { kind: 'comment', start, end: at };
      continue;
    }
    if (text.startsWith('/*', at)) {
      const end = endOfBlockComment(text, at);
      at = end ?? text.length;
      yield { kind: 'comment', start, end: at, ...(end === undefined ? { open: true } : {}) };
      continue;
    }
    const tag = character === '$' ? match(DOLLAR_TAG, at) : undefined;
    const word = match(WORD, at);
    const escapes = word !== undefined && /^e$/i.test(word) && text[at + 1] === "'";
    if (tag !== undefined || character === "'" || character === '"' || escapes) {
      const end = tag === undefined ? endOfQuoted(text, escapes ? at + 1 : at, escapes) : endOfDollar(text, at, tag);
      at = end ?? text.length;
      yield { kind: 'quoted', start, end: at, ...(end === undefined ? { open: true } : {}) };
      continue;
    }
    if (word !== undefined) {
      at += word.length;
      yield { kind: 'word', start, end: at };
      continue;
    }
    at += (match(NUMBER, at) ?? match(PARAMETER, at) ?? character).length;
    yield { kind: 'symbol', start, end: at };
  }
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

function endOfDollar(text: string, start: number, tag: string): number | undefined {
  const end = text.indexOf(tag, start + tag.length);
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
