import type { NamedConnection } from '../../config/url-file.ts';
import type { RunContext } from '../../core/context.ts';
import { ERROR_CODES, type ErrorCode, EXIT, StructdbError } from '../../core/errors.ts';
import { redact } from '../../core/redact.ts';
import { asStructdbError } from '../../core/unexpected.ts';

/** How many databases are worked on at once by default. */
export const DEFAULT_JOBS = 4;

/** How many a message names. */
const MOST_NAMES = 8;

/** Which of many databases an outcome is of. */
export interface DatabaseIdentity {
  readonly name: string;
  readonly database: string;
  readonly host: string;
  readonly port: number;
}

export interface DatabaseError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
  /** Further lines, where there are any: the statement that failed, who is in the way. */
  readonly details?: readonly string[];
}

export function identityOf({ name, connection: { database, host, port } }: NamedConnection): DatabaseIdentity {
  return { name, database, host, port };
}

/** What was thrown as a plain object, secrets masked. */
export function databaseError(thrown: unknown): DatabaseError {
  const { code, message, hint, details } = asStructdbError(thrown);
  return Object.freeze({
    code,
    message: redact(message),
    hint: hint === undefined ? null : redact(hint),
    ...(details.length > 0 ? { details: details.map(redact) } : {}),
  });
}

/** The events of one database with its name. */
export function contextOf({ name }: NamedConnection, { clock, report, signal }: RunContext): RunContext {
  return {
    clock,
    signal,
    report: (event) => {
      // One line when the database has ended, instead of one for each migration.
      if (event.kind === 'done' || event.kind === 'progress') return;
      report({ ...event, message: `${name}: ${event.message}` });
    },
  };
}

/**
 * The one error of several: the code that all have, or that of the first where at least the exit code is the same; else
 * DATABASES_FAILED.
 */
export function commonFailure(
  failures: readonly { readonly name: string; readonly error: DatabaseError | null }[],
  total: number,
  { remark = '', hint }: { readonly remark?: string; readonly hint: string },
): StructdbError {
  return new StructdbError(
    commonCode(failures.map(({ error }) => error!.code)),
    `${failures.length} of ${total} databases failed: ${someNames(failures)}.${remark}`,
    { hint },
  );
}

export function someNames(databases: readonly { readonly name: string }[]): string {
  const names = databases.slice(0, MOST_NAMES).map(({ name }) => name);
  if (databases.length > MOST_NAMES) names.push(`and ${databases.length - MOST_NAMES} more`);
  return names.join(', ');
}

function commonCode(codes: readonly ErrorCode[]): ErrorCode {
  const exits = new Set(codes.map((code) => ERROR_CODES[code].exit));
  if (new Set(codes).size === 1 || (exits.size === 1 && !exits.has(EXIT.failed))) return codes[0]!;
  return 'DATABASES_FAILED';
}
