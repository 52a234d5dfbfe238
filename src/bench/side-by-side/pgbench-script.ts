import type { Statement } from '../suite/query.ts';

/** A statement in pgbench's words. */
export interface PgbenchScript {
  readonly text: string;
  /** Given with --define; pgbench hands them over as parameters of the prepared statement. */
  readonly variables: readonly (readonly [name: string, value: string])[];
}

/** Strings, quoted names, comments and dollar-quoted text are left as they are; elsewhere `$1` is a parameter. */
const TOKENS = /('(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$([A-Za-z_]\w*)?\$[\s\S]*?\$\2\$)|\$(\d+)/g;
/** What pgbench would take for a variable of its own, wherever it stands. */
const VARIABLE = /(?<!:):(?=\w)/;

/** The statement as a script whose variables begin with `prefix`; or why pgbench cannot ask it. */
export function pgbenchScript({ sql, parameters }: Statement, prefix: string): PgbenchScript | string {
  if (VARIABLE.test(sql)) return 'it would read a colon of the statement as a variable';
  if (/^\s*\\/m.test(sql)) return 'it would read a line of the statement as a command';
  const variables: [string, string][] = [];
  for (const [place, value] of parameters.entries()) {
    const text = textOf(value);
    if (text === undefined) return `it takes no ${value === null ? 'NULL' : typeof value} as a value`;
    if (text === '') return 'it takes no empty text as a value';
    variables.push([`${prefix}${place + 1}`, text]);
  }
  const text = sql
    .replace(/;\s*$/, '')
    .replace(TOKENS, (token, kept: string | undefined, _tag, number: string) =>
      kept === undefined ? `:${prefix}${number}` : token,
    );
  return { text: `${text}\n;\n`, variables };
}

/** As pg would send it. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  return value instanceof Date ? value.toISOString() : undefined;
}
