/**
 * SQL without what does not change its meaning: white space, comments, and the letter case of keywords and unquoted
 * names (PostgreSQL folds both). Strings, quoted names and dollar-quoted bodies stay as they are, and so do the values of
 * parameters, which a compiled migration has in a last comment (`-- ["value"]`).
 *
 * Follows the lexical rules of the PostgreSQL manual, section 4.1.
 */
export function normaliseSql(sql: string): string {
  const tokens: string[] = [];
  for (let at = 0; at < sql.length; ) {
    const length = lengthOfToken(sql, at);
    const text = sql.slice(at, at + length);
    const token = canonical(text);
    if (token !== undefined) tokens.push(token);
    at += length;
  }
  return tokens.join(' ');
}

const SPACE = /\s+/y;
const LINE_COMMENT = /--[^\n]*/y;
const VALUES = /^-- (\[.*\])$/;
/** E'…' knows the backslash; B, X, N and U& do not. A prefix belongs to the quote that follows at once. */
const ESCAPED = /[eE]'(?:[^'\\]|\\[\s\S]|'')*'?/y;
const STRING = /(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*'?/y;
const QUOTED_NAME = /(?:[uU]&)?"(?:[^"]|"")*"?/y;
const DOLLAR = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const NUMBER = /\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?/y;
const OPERATOR = /[-+*/<>=~!@#%^&|`?]+/y;

function lengthOfToken(sql: string, at: number): number {
  for (const pattern of [SPACE, LINE_COMMENT]) {
    const length = lengthAt(pattern, sql, at);
    if (length > 0) return length;
  }
  if (sql.startsWith('/*', at)) return blockComment(sql, at);
  for (const pattern of [ESCAPED, STRING, QUOTED_NAME]) {
    const length = lengthAt(pattern, sql, at);
    if (length > 0) return length;
  }
  const dollar = lengthAt(DOLLAR, sql, at);
  if (dollar > 0) {
    const end = sql.indexOf(sql.slice(at, at + dollar), at + dollar);
    return (end < 0 ? sql.length : end + dollar) - at;
  }
  for (const pattern of [WORD, NUMBER]) {
    const length = lengthAt(pattern, sql, at);
    if (length > 0) return length;
  }
  const operator = lengthAt(OPERATOR, sql, at);
  return operator > 0 ? lengthOfOperator(sql.slice(at, at + operator)) : 1;
}

function lengthAt(pattern: RegExp, sql: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0].length ?? 0;
}

/** Block comments nest. */
function blockComment(sql: string, start: number): number {
  let depth = 0;
  for (let at = start; at < sql.length; at += 1) {
    if (sql.startsWith('/*', at)) {
      depth += 1;
      at += 1;
    } else if (sql.startsWith('*/', at)) {
      depth -= 1;
      at += 1;
      if (depth === 0) return at + 1 - start;
    }
  }
  return sql.length - start;
}

/** A comment ends an operator; a last + or - belongs to it only beside one of the other characters (`=-1` is two). */
function lengthOfOperator(run: string): number {
  const comment = run.search(/--|\/\*/);
  const own = comment < 0 ? run : run.slice(0, comment);
  return /[~!@#%^&|`?]/.test(own) ? own.length : Math.max(1, own.replace(/[-+]+$/, '').length);
}

/** undefined for what does not count. */
function canonical(text: string): string | undefined {
  if (/^\s/.test(text) || text.startsWith('/*')) return undefined;
  if (text.startsWith('--')) return valuesOf(text);
  return /^[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*$/.test(text) ? foldCase(text) : text;
}

function valuesOf(comment: string): string | undefined {
  const values = VALUES.exec(comment.trimEnd())?.[1];
  if (values === undefined) return undefined;
  try {
    JSON.parse(values);
    return `-- ${values}`;
  } catch {
    return undefined;
  }
}

/** Of ASCII letters only: what the server does with others depends on its encoding. */
function foldCase(word: string): string {
  return word.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
