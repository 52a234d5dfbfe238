import { codeOf, messageOf, StructdbError } from '../../core/errors.ts';
import { redact } from '../../core/redact.ts';
import { isConnectionLoss } from '../../postgres/errors.ts';
import type { Direction } from '../compile.ts';
import { excerptOf } from './sql-error.ts';

/** Where a migration stopped. */
export interface FailurePlace {
  readonly name: string;
  readonly direction: Direction;
  /** Counted from 1. */
  readonly statement: number;
  readonly statements: readonly string[];
  readonly transactional: boolean;
  readonly source?: { readonly file: string; readonly text: string } | undefined;
}

const INSUFFICIENT_PRIVILEGE = '42501';

/** SQLSTATEs that say "somebody else was in the way", not "this cannot work". */
const PASSING = new Set(['55P03', '40P01', '57014']);

/**
 * The error of a migration's statement: which one and where in it, what the server said, what of the migration stays, and
 * what to do. Errors that are no answer to a statement (an interruption, a lost connection) pass through.
 */
export function migrationFailure(error: unknown, place: FailurePlace): unknown {
  const code = codeOf(error);
  if (error instanceof StructdbError || isConnectionLoss(error)) return error;
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code)) return error;
  const { detail, hint, where } = error as { detail?: string; hint?: string; where?: string };
  const excerpt = excerptOf(error, place);
  const message = oneLine(redact(messageOf(error)));
  const verb = place.direction === 'up' ? 'up' : 'down';
  const stays = place.transactional
    ? 'Nothing of it was kept.'
    : 'What was done before stays; the next run goes on from there.';
  const at = `statement ${place.statement} of ${place.statements.length}${excerpt.place ? `, ${excerpt.place}` : ''}`;
  return new StructdbError(
    code === INSUFFICIENT_PRIVILEGE ? 'PERMISSION_DENIED' : 'MIGRATION_FAILED',
    `Migration ${place.name} (${verb}) failed at ${at}: ${message} (SQLSTATE ${code}). ${stays}`,
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
