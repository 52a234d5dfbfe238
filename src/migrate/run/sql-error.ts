import { redact } from '../../core/redact.ts';

/** What pg says of an error beside its message (manual, "Error and Notice Message Fields"). */
interface ServerError {
  /** In characters, from 1, in the statement as it was sent. */
  readonly position?: string;
  readonly internalPosition?: string;
  /** A statement within a function or DO block, to which internalPosition belongs. */
  readonly internalQuery?: string;
  readonly where?: string;
}

export interface FailedStatement {
  /** All statements of the migration, in their order. */
  readonly statements: readonly string[];
  /** Which failed, from 1. */
  readonly statement: number;
  /** The migration's file. */
  readonly source?: { readonly file: string; readonly text: string } | undefined;
}

export interface Excerpt {
  /** `migrations/007_site.sql:4:8`; of a TypeScript file, whose statements have no lines in it, its name alone. */
  readonly place?: string;
  /** The line with its neighbours and a caret, or the beginning of the statement. */
  readonly lines: readonly string[];
}

/** Takes the place of the position while secrets are masked: PostgreSQL's texts have no such character. */
const MARK = '\u0000';
const LONGEST_LINE = 160;

/** Where in its text a statement failed, for the reader. Passwords are masked. */
export function excerptOf(error: unknown, failed: FailedStatement): Excerpt {
  const { position, internalPosition, internalQuery, where } = error as ServerError;
  const statement = failed.statements[failed.statement - 1] ?? '';
  const offset = position === undefined ? blockOffset(statement, where) : offsetOf(statement, Number(position));
  const start = failed.source ? startInFile(failed, failed.source.text) : undefined;
  if (failed.source && start !== undefined) {
    const { file, text } = failed.source;
    const { line, column, lines } = around(text, start + (offset ?? leadingSpace(statement)), position !== undefined);
    const at = position === undefined ? `${line}` : `${line}:${column}`;
    return { place: `${file}:${at}`, lines: [...lines, ...inner(internalQuery, internalPosition)] };
  }
  const lines = offset === undefined ? beginningOf(statement) : around(statement, offset, position !== undefined).lines;
  return {
    ...(failed.source ? { place: failed.source.file } : {}),
    lines: [...lines, ...inner(internalQuery, internalPosition)],
  };
}

/** The statement that a function or block sent, with a caret. */
function inner(query: string | undefined, position: string | undefined): string[] {
  if (query === undefined || position === undefined) return [];
  return ['which sends:', ...around(query, offsetOf(query, Number(position)), true).lines];
}

/** PostgreSQL counts characters, JavaScript UTF-16 units. */
function offsetOf(text: string, position: number): number {
  return [...text].slice(0, position - 1).join('').length;
}

/** The line that PL/pgSQL names, counted from the line of the opening quote. */
function blockOffset(statement: string, where: string | undefined): number | undefined {
  const [, line] = /inline_code_block line (\d+)/.exec(where ?? '') ?? [];
  const opening = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/u.exec(statement);
  if (line === undefined || !opening) return undefined;
  const before = statement.slice(0, opening.index).split('\n').length - 1;
  const lines = statement.split('\n');
  const index = before + Number(line) - 1;
  if (index >= lines.length) return undefined;
  return lines.slice(0, index).reduce((sum, text) => sum + text.length + 1, 0);
}

/** Where the statement begins in its file. A text that comes twice is told apart by those before it. */
function startInFile({ statements, statement }: FailedStatement, text: string): number | undefined {
  let found = -1;
  let from = 0;
  for (const each of statements.slice(0, statement)) {
    found = text.indexOf(each.trim(), from);
    if (found < 0) return undefined;
    from = found + each.trim().length;
  }
  return found < 0 ? undefined : found - leadingSpace(statements[statement - 1]!);
}

function leadingSpace(text: string): number {
  return text.length - text.trimStart().length;
}

interface Around {
  /** From 1; of the column in characters. */
  readonly line: number;
  readonly column: number;
  readonly lines: readonly string[];
}

/** The line of an offset with those before and after it, numbered. */
function around(text: string, offset: number, withCaret: boolean): Around {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  const column = [...before.slice(before.lastIndexOf('\n') + 1)].length + 1;
  const all = redact(`${before}${MARK}${text.slice(offset)}`).split('\n');
  const marked = all.findIndex((one) => one.includes(MARK));
  const here = marked < 0 ? Math.min(line, all.length) - 1 : marked;
  // Masking a literal of several lines takes lines away.
  const shift = line - 1 - here;
  const width = String(line + 1).length;
  const lines: string[] = [];
  for (let index = Math.max(0, here - 1); index <= Math.min(all.length - 1, here + 1); index += 1) {
    const [left = '', right] = all[index]!.replace('\r', '').split(MARK);
    const number = String(index + 1 + shift).padStart(width);
    const cut = Math.max(0, left.length - LONGEST_LINE / 2);
    const whole = `${left.slice(cut)}${right ?? ''}`;
    if (index !== here && whole.trim() === '') continue;
    const shown = `${cut > 0 ? '…' : ''}${whole.length > LONGEST_LINE ? `${whole.slice(0, LONGEST_LINE)}…` : whole}`;
    lines.push(`${index === here ? '>' : ' '} ${number} | ${shown}`);
    if (withCaret && right !== undefined) {
      const indent = `${cut > 0 ? '…' : ''}${left.slice(cut)}`.replace(/[^\t]/gu, ' ');
      lines.push(`  ${' '.repeat(width)} | ${indent}^`);
    }
  }
  return { line, column, lines };
}

/** The first three lines of a statement that says nothing of its place. */
function beginningOf(statement: string): string[] {
  const lines = redact(statement).trim().split('\n');
  const shown = lines
    .slice(0, 3)
    .map((line) => (line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line));
  return lines.length > 3 ? [...shown, '…'] : shown;
}
