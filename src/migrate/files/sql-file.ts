import { type Kysely, sql } from 'kysely';
import { SqlSplitError, type SqlStatement, splitTokens } from '../../core/split-sql.ts';
import { type SqlToken, sqlTokens } from '../../core/sql-tokens.ts';
import { parseDuration } from '../../core/units.ts';
import type { MigrationConfig, RegisteredMigration } from '../registry.ts';
import { controlsTransaction } from '../transaction-control.ts';

/** Something in a file that stands in the way. */
export class FileProblem extends Error {
  /** From 1; undefined when it is about the whole file. */
  readonly line: number | undefined;

  constructor(message: string, line?: number) {
    super(message);
    this.line = line;
  }
}

/** A comment that structdb reads. */
interface Mark {
  readonly kind: 'up' | 'down' | 'irreversible';
  /** What stands behind it. */
  readonly rest: string;
  /** From 0. */
  readonly start: number;
}

interface Section extends Mark {
  readonly kind: 'up' | 'down';
  readonly end: number;
}

type SectionConfig = NonNullable<MigrationConfig['down']>;

/** `-- migrate:up transaction:false`, as dbmate writes it. */
const MARKER = /^--\s*migrate:(up|down|irreversible)\b[ \t]*(.*?)\s*$/;

/** What was meant for one. Taken for a comment, a `-- migrate:down` would have the way back run as the end of the way up. */
const NEARLY_MARKER = /^--\s*migrate\s*:\s*(up|down|irreversible)\b/i;

/**
 * A migration of plain SQL: the sections `-- migrate:up` and `-- migrate:down`, each with options for itself, run
 * statement by statement. A `-- migrate:down` without a statement is no way back.
 * @throws FileProblem
 */
export function parseSqlFile(text: string, file: string): RegisteredMigration {
  const tokens = sqlTokens(text);
  const marks = findMarks(text, tokens);
  const sections = sectionsOf(marks, text.length);
  const up = sections.find(({ kind }) => kind === 'up');
  if (up === undefined) throw new FileProblem('it has no "-- migrate:up"');
  const first = splitIn(text, tokens, 0, sections[0]!.start)[0];
  if (first) throw new FileProblem('a statement stands before "-- migrate:up"', lineAt(text, first.offset));
  const down = sections.find(({ kind }) => kind === 'down');
  const reason = marks.find(({ kind }) => kind === 'irreversible')?.rest;
  const upConfig = configOf(text, up);
  const downConfig = down === undefined ? undefined : configOf(text, down);
  const upStatements = statementsOf(text, tokens, up, upConfig);
  const downStatements = down === undefined ? [] : statementsOf(text, tokens, down, downConfig!);
  if (reason !== undefined && downStatements.length > 0) {
    throw new FileProblem('it has a way back, and says that there is none ("-- migrate:irreversible")');
  }
  return {
    up: run(upStatements),
    ...(downStatements.length > 0 ? { down: run(downStatements) } : {}),
    config: {
      ...upConfig,
      ...(reason === undefined ? {} : { irreversible: reason === '' ? true : reason }),
      down: downConfig ?? {},
    },
    statements: { up: upStatements.map(textOf), down: downStatements.map(textOf) },
    source: { file, text },
  };
}

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

function textOf({ text }: SqlStatement): string {
  return text;
}

function run(statements: readonly SqlStatement[]) {
  return async (db: Kysely<unknown>) => {
    for (const { text } of statements) await sql.raw(text).execute(db);
  };
}

/** By the comments, so that a marker within quotes is none. */
function findMarks(text: string, tokens: readonly SqlToken[]): Mark[] {
  const marks: Mark[] = [];
  for (const { kind, start, end } of tokens) {
    if (kind !== 'comment') continue;
    const comment = text.slice(start, end);
    const [, meant] = NEARLY_MARKER.exec(comment) ?? [];
    if (meant === undefined) continue;
    const beginsLine = start === 0 || text[start - 1] === '\n';
    const [, marker, rest] = (beginsLine && MARKER.exec(comment)) || [];
    if (marker === undefined) {
      throw new FileProblem(
        `a mark begins its line and is in small letters: "-- migrate:${meant.toLowerCase()}"`,
        lineAt(text, start),
      );
    }
    if (marks.some((mark) => mark.kind === marker)) {
      throw new FileProblem(`a second "-- migrate:${marker}"`, lineAt(text, start));
    }
    marks.push({ kind: marker as Mark['kind'], rest: rest ?? '', start });
  }
  return marks;
}

/** Each ends where the next begins; `-- migrate:irreversible` may stand anywhere in them. */
function sectionsOf(marks: readonly Mark[], length: number): Section[] {
  const begins = marks.filter((mark): mark is Mark & Pick<Section, 'kind'> => mark.kind !== 'irreversible');
  return begins.map((mark, index) => ({ ...mark, end: begins[index + 1]?.start ?? length }));
}

function statementsOf(
  text: string,
  tokens: readonly SqlToken[],
  section: Section,
  { transaction }: SectionConfig,
): SqlStatement[] {
  const statements = splitIn(text, tokens, section.start, section.end);
  const control = statements.find(controlsTransaction);
  if (control && transaction !== false) {
    throw new FileProblem(
      `${control.words[0]!.toUpperCase()} is not needed: the migration is one transaction; remove it, or write "-- migrate:${section.kind} transaction:false"`,
      lineAt(text, control.offset),
    );
  }
  return statements;
}

function splitIn(text: string, tokens: readonly SqlToken[], start: number, end: number): SqlStatement[] {
  try {
    return splitTokens(
      text,
      tokens.filter((token) => token.start >= start && token.start < end),
    );
  } catch (error) {
    if (error instanceof SqlSplitError) throw new FileProblem(error.message, lineAt(text, error.offset));
    throw error;
  }
}

function configOf(text: string, { kind, rest, start }: Section): SectionConfig {
  const config: { -readonly [Key in keyof SectionConfig]: SectionConfig[Key] } = {};
  const line = lineAt(text, start);
  for (const option of rest.split(/[\s,]+/).filter(Boolean)) {
    const [key, value = ''] = option.split(':', 2);
    if (key === 'transaction' && /^(true|false)$/.test(value)) config.transaction = value === 'true';
    else if (key === 'lock_timeout' && isLimit(value)) config.lockTimeout = value;
    else if (key === 'statement_timeout' && isLimit(value)) config.statementTimeout = value;
    else {
      throw new FileProblem(
        `"${option}" is no option of "-- migrate:${kind}"; write transaction:false, lock_timeout:5s or statement_timeout:1min`,
        line,
      );
    }
  }
  return config;
}

function isLimit(value: string): boolean {
  return value === '0' || parseDuration(value) !== undefined;
}
