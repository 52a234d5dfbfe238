import { codeOf, messageOf, StructdbError } from '../core/errors.ts';
import { redact } from '../core/redact.ts';
import { isConnectionLoss } from '../postgres/errors.ts';
import type { Direction } from './compile.ts';

/** Where a migration stopped. */
export interface FailurePlace {
  readonly name: string;
  readonly direction: Direction;
  /** Counted from 1. */
  readonly statement: number;
  readonly statements: readonly string[];
  readonly transactional: boolean;
}

/** SQLSTATEs that say "somebody else was in the way", not "this cannot work". */
const PASSING = new Set(['55P03', '40P01', '57014']);

/**
 * The error of a migration's statement: which one, what the server said, what of the migration stays, and what to do.
 * Errors that are no answer to a statement (an interruption, a lost connection, a missing privilege) pass through.
 */
export function migrationFailure(error: unknown, place: FailurePlace): unknown {
  const code = codeOf(error);
  if (error instanceof StructdbError || code === '42501' || isConnectionLoss(error)) return error;
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code)) return error;
  const { detail, hint } = error as { detail?: string; hint?: string };
  const text = place.statements[place.statement - 1] ?? '';
  const message = redact(messageOf(error)).replace(/\.$/, '');
  const verb = place.direction === 'up' ? 'up' : 'down';
  const stays = place.transactional
    ? 'Nothing of it was kept.'
    : 'What was done before stays; the next run goes on from there.';
  return new StructdbError(
    'MIGRATION_FAILED',
    `Migration ${place.name} (${verb}) failed at statement ${place.statement} of ${place.statements.length}: ${message} (SQLSTATE ${code}). ${stays}`,
    {
      cause: error,
      details: [firstLine(text), ...(detail ? [redact(detail)] : [])],
      hint: hint ?? (PASSING.has(code) ? `Run it again: structdb migrate ${verb}` : whatToDo(place)),
    },
  );
}

function whatToDo({ direction }: FailurePlace): string {
  return `Correct the cause, then run: structdb migrate ${direction}`;
}

function firstLine(statement: string): string {
  const [line = ''] = statement.trimStart().split('\n');
  return line.length > 160 ? `${line.slice(0, 157)}…` : line;
}
