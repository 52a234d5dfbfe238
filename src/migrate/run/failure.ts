import { codeOf, messageOf, StructdbError } from '../../core/errors.ts';
import { redact } from '../../core/redact.ts';
import { isConnectionLoss } from '../../postgres/errors.ts';
import type { Direction } from '../compile.ts';
import { lineInStack } from '../line-in-stack.ts';
import { type Excerpt, excerptOf } from './sql-error.ts';

/** Where a migration stopped. */
export interface FailurePlace {
  readonly name: string;
  readonly direction: Direction;
  /** Which statement, counted from 1; the others come behind the last. */
  readonly statement: number | 'its end' | 'its entry in the books' | 'its COMMIT';
  readonly statements: readonly string[];
  readonly transactional: boolean;
  /** Whether a transaction was open then: a migration without one may have a BEGIN of its own. */
  readonly inTransaction: boolean;
  readonly source?: { readonly file: string; readonly text: string } | undefined;
}

const INSUFFICIENT_PRIVILEGE = '42501';

/** SQLSTATEs that say "somebody else was in the way", not "this cannot work". */
const PASSING = new Set(['55P03', '40P01', '57014']);

/**
 * The error of a migration: which statement and where in it, what the server said, what of the migration stays, and what
 * to do; or what the migration itself threw. An interruption and a lost connection pass through.
 */
export function migrationFailure(error: unknown, place: FailurePlace): unknown {
  if (error instanceof StructdbError || isConnectionLoss(error)) return error;
  const code = codeOf(error);
  const { severity, detail, hint, where } = error as Partial<Record<'severity' | 'detail' | 'hint' | 'where', string>>;
  // The system has codes of five letters too (EPERM), but only the server tells how severe an error is.
  if (code === undefined || severity === undefined) return ownFailure(error, place);
  const excerpt = excerptAt(error, place);
  const at = [` at ${statementOf(place)}`, ...(excerpt.place ? [excerpt.place] : [])].join(', ');
  return new StructdbError(
    code === INSUFFICIENT_PRIVILEGE ? 'PERMISSION_DENIED' : 'MIGRATION_FAILED',
    `${failed(place)}${at}: ${oneLine(redact(messageOf(error)))} (SQLSTATE ${code}). ${stays(place)}`,
    {
      cause: error,
      details: [
        ...excerpt.lines,
        ...(detail ? [`detail: ${redact(detail)}`] : []),
        ...contextOf(where).map((line) => `context: ${redact(line)}`),
      ],
      hint: hint ? redact(hint) : whatToDo(code, place),
    },
  );
}

/** What the migration threw: its own condition does not hold, or it has a defect. */
function ownFailure(error: unknown, place: FailurePlace): StructdbError {
  const { source } = place;
  const line = source && lineInStack(error, source.file);
  const at = source ? `, ${source.file}${line === undefined ? '' : `:${line}`}` : '';
  return new StructdbError(
    'MIGRATION_FAILED',
    `${failed(place)}${at}: ${oneLine(redact(messageOf(error)))}. ${stays(place)}`,
    { cause: error, hint: whatToDo('', place) },
  );
}

function failed({ name, direction }: FailurePlace): string {
  return `Migration ${name} (${direction}) failed`;
}

function stays({ transactional, inTransaction }: FailurePlace): string {
  if (transactional) return 'Nothing of it was kept.';
  return inTransaction
    ? 'What was done before its BEGIN stays, nothing of what came behind it; the next run goes on from there.'
    : 'What was done before stays; the next run goes on from there.';
}

/** A migration that looks at answers may send more than it seemed to without a database. */
function statementOf({ statement, statements }: FailurePlace): string {
  if (typeof statement !== 'number') return statement;
  return `statement ${statement}${statement > statements.length ? '' : ` of ${statements.length}`}`;
}

function excerptAt(error: unknown, { statement, statements, source }: FailurePlace): Excerpt {
  if (typeof statement === 'number' && statement <= statements.length) {
    return excerptOf(error, { statement, statements, source });
  }
  return { ...(source ? { place: source.file } : {}), lines: [] };
}

/** "unterminated quoted string at or near …" repeats all the rest of the statement, a password in it too. */
function oneLine(message: string): string {
  return message
    .replace(/^(unterminated .*?) at or near "[\s\S]*$/, '$1')
    .replace(/\s+/g, ' ')
    .replace(/\.$/, '');
}

/** The last two lines of the stack: where in a function or block it was. A COPY's line is there too. */
function contextOf(where: string | undefined): string[] {
  return (where ?? '').split('\n').filter(Boolean).slice(-2);
}

function whatToDo(code: string, { direction }: FailurePlace): string {
  if (PASSING.has(code)) return `Run it again: structdb migrate ${direction}`;
  if (code === INSUFFICIENT_PRIVILEGE) {
    return `Run it as the owner of what it changes, or grant that to this role; then: structdb migrate ${direction}`;
  }
  return `Correct the cause, then run: structdb migrate ${direction}`;
}
