import type { MigrationResult } from 'kysely/migration';
import { type ConnectionSettings, describeConnection } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { messageOf, StructdbError } from '../../core/errors.ts';
import { redact } from '../../core/redact.ts';
import { readAppliedMigrations } from '../../database/bookkeeping.ts';
import { withMigrator } from '../session.ts';

/** How long a session that lost its client may take to end on the server. */
const SETTLING_MS = 10_000;

export interface LostConnection {
  readonly error: StructdbError;
  /** The migrations that the database has; undefined where it could not be asked. */
  readonly applied: readonly string[] | undefined;
}

/**
 * The error of a run whose connection was lost, with what the database says through a new one: a COMMIT may have been
 * done although its answer never came. Asked under the migration lock, which the lost session holds while it still works.
 */
export async function lostConnection(
  cause: unknown,
  connection: ConnectionSettings,
  attempted: readonly MigrationResult[],
  context: RunContext,
): Promise<LostConnection> {
  const reason = redact(messageOf(cause)).replace(/\.$/, '');
  const verb = verbOf(attempted);
  const lost = (state: string, hint: string) =>
    new StructdbError(
      'CONNECTION_LOST',
      `${describeConnection(connection)} closed the connection during migrate ${verb}: ${reason}. ${state}`,
      { cause, hint },
    );
  try {
    const applied = await readBack(connection, context);
    const names = new Set(applied);
    const hint = `Check the server's log, then ${wayOn(attempted, names)}`;
    return { error: lost(stateOf(attempted, names), hint), applied };
  } catch (error) {
    const hint = 'When the server answers again, run: structdb migrate status';
    return { error: lost(`What was done is not known: ${messageOf(error)}`, hint), applied: undefined };
  }
}

function readBack(connection: ConnectionSettings, context: RunContext): Promise<string[]> {
  return withMigrator(connection, SETTLING_MS, context, async ({ db }) => {
    const adapter = db.getExecutor().adapter;
    await adapter.acquireMigrationLock(db, { lockTable: '', lockRowId: '' });
    const applied = await readAppliedMigrations(db);
    await adapter.releaseMigrationLock(db, { lockTable: '', lockRowId: '' });
    return applied.map(({ name }) => name);
  });
}

function verbOf(attempted: readonly MigrationResult[]): 'up' | 'down' | 'redo' {
  const went = new Set(attempted.map(({ direction }) => direction));
  if (went.size > 1) return 'redo';
  return went.has('Down') ? 'down' : 'up';
}

/** A redo that took something back must not be run again: it would take back the migration before. */
function wayOn(attempted: readonly MigrationResult[], applied: ReadonlySet<string>): string {
  const missing = namesIn(attempted).filter((name) => !applied.has(name)).length;
  if (verbOf(attempted) !== 'redo') return 'run the command again: it goes on from there.';
  return missing === 0 ? 'run: structdb migrate status' : `run: structdb migrate up ${missing}`;
}

/** A redo names each twice. */
function namesIn(attempted: readonly MigrationResult[]): string[] {
  return [...new Set(attempted.map(({ migrationName }) => migrationName))];
}

/** `001_a is applied, 002_b is not.` */
function stateOf(attempted: readonly MigrationResult[], applied: ReadonlySet<string>): string {
  if (attempted.length === 0) return 'No migration had begun.';
  const names = namesIn(attempted);
  const list = (some: readonly string[]) => `${some.join(', ')} ${some.length === 1 ? 'is' : 'are'}`;
  const [yes, no] = [names.filter((name) => applied.has(name)), names.filter((name) => !applied.has(name))];
  const parts = [yes.length > 0 && `${list(yes)} applied`, no.length > 0 && `${list(no)} not applied`];
  return `The database says: ${parts.filter(Boolean).join(', ')}.`;
}
