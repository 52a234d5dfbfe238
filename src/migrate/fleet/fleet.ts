import type { NamedConnection } from '../../config/url-file.ts';
import { mapConcurrently } from '../../core/concurrently.ts';
import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { waitForServer } from '../../postgres/wait-for-server.ts';
import { attemptUp, type MigratedStep, type MigrateOptions, type UpAttempt } from '../run/run.ts';
import {
  commonFailure,
  contextOf,
  type DatabaseError,
  type DatabaseIdentity,
  DEFAULT_JOBS,
  databaseError,
  identityOf,
} from './one-of-many.ts';

export interface UpManyOptions extends Omit<MigrateOptions, 'connection'> {
  readonly databases: readonly NamedConnection[];
  /** At most so many migrations in each database; all that are pending without it. */
  readonly count?: number | undefined;
  /** How many databases at once. */
  readonly jobs?: number;
  /** Whether a failure in one database leaves the others alone; else none is begun after it. */
  readonly keepGoing?: boolean;
  /** Milliseconds to wait for each server that is still starting; not at all without it. */
  readonly waitMs?: number | undefined;
}

export type DatabaseState = 'migrated' | 'up to date' | 'failed' | 'locked' | 'interrupted' | 'not begun';

export interface DatabaseOutcome extends DatabaseIdentity {
  readonly state: DatabaseState;
  /** What this run applied, also before a failure. */
  readonly steps: readonly MigratedStep[];
  /** The last applied migration now; null when none is, or when `pending` is null. */
  readonly current: string | null;
  /** null where the database could not be asked, or was not begun. */
  readonly pending: readonly string[] | null;
  readonly error: DatabaseError | null;
  /** Waiting for the server and for locks included; 0 when it was not begun. */
  readonly durationMs: number;
}

export interface UpManyResult {
  /** In the order that they were given. */
  readonly databases: readonly DatabaseOutcome[];
}

/**
 * Applies the pending migrations to many databases, some at once, each by itself as `up` does. What goes wrong in one is
 * in its outcome; nothing is thrown. After a failure no further database is begun unless `keepGoing`; those under way
 * finish. An aborted `signal` stops those under way at their next safe point. Events have the database's name before
 * their message, and one `done` or `warning` tells how each ended.
 */
export async function upMany(options: UpManyOptions, context: RunContext): Promise<UpManyResult> {
  const { databases, jobs = DEFAULT_JOBS, keepGoing = false } = options;
  let failed = false;
  const outcomes = await mapConcurrently(databases, jobs, async (database) => {
    if (context.signal.aborted || (failed && !keepGoing)) return outcomeOf(database, 'not begun');
    const outcome = await upOne(database, options, context);
    failed ||= outcome.error !== null;
    tell(outcome, context);
    return outcome;
  });
  return Object.freeze({ databases: outcomes });
}

/**
 * undefined when every database is where it should be. Else one error: the code of all failures where they have the same,
 * or the same exit code; INTERRUPTED when one was interrupted; DATABASES_FAILED for failures of several kinds.
 */
export function judgeUpMany({ databases }: UpManyResult): StructdbError | undefined {
  const of = (...states: DatabaseState[]) => databases.filter(({ state }) => states.includes(state));
  const [failures, interrupted, waiting] = [of('failed', 'locked'), of('interrupted'), of('not begun')];
  const notBegun = waiting.length > 0 ? ` ${waiting.length} not begun.` : '';
  if (interrupted.length > 0 || (failures.length === 0 && waiting.length > 0)) {
    const done = of('migrated', 'up to date').length;
    return new StructdbError(
      'INTERRUPTED',
      `Interrupted: ${done} of ${databases.length} databases are done.${notBegun}`,
      {
        hint: 'Run the same command again: it goes on from there.',
      },
    );
  }
  if (failures.length === 0) return undefined;
  return commonFailure(failures, databases.length, {
    remark: notBegun,
    hint: 'Correct what is told of each, then run the same command again: what is applied stays.',
  });
}

async function upOne(database: NamedConnection, options: UpManyOptions, context: RunContext): Promise<DatabaseOutcome> {
  const { waitMs, databases: _, ...rest } = options;
  const { connection } = database;
  const own = contextOf(database, context);
  const started = context.clock.monotonicMs();
  let attempt: UpAttempt;
  try {
    if (waitMs !== undefined) await waitForServer(connection, { timeoutMs: waitMs }, own);
    attempt = await attemptUp({ ...rest, connection }, own);
  } catch (error) {
    attempt = { reached: undefined, error };
  }
  const { reached } = attempt;
  const error = attempt.error === undefined ? null : databaseError(attempt.error);
  return outcomeOf(database, stateOf(error, reached?.steps.length ?? 0), {
    steps: reached?.steps ?? [],
    current: reached?.current ?? null,
    pending: reached?.pending ?? null,
    error,
    durationMs: Math.round(context.clock.monotonicMs() - started),
  });
}

function stateOf(error: DatabaseError | null, steps: number): DatabaseState {
  if (error === null) return steps > 0 ? 'migrated' : 'up to date';
  if (error.code === 'INTERRUPTED') return 'interrupted';
  return error.code === 'LOCKED' ? 'locked' : 'failed';
}

function outcomeOf(
  database: NamedConnection,
  state: DatabaseState,
  told: Pick<DatabaseOutcome, 'steps' | 'current' | 'pending' | 'error' | 'durationMs'> = {
    steps: [],
    current: null,
    pending: null,
    error: null,
    durationMs: 0,
  },
): DatabaseOutcome {
  return Object.freeze({ ...identityOf(database), state, ...told });
}

function tell({ name, steps, current, error, durationMs }: DatabaseOutcome, { report }: RunContext): void {
  const applied = steps.length > 0 ? `applied ${steps.length} ${steps.length === 1 ? 'migration' : 'migrations'}` : '';
  if (error !== null) {
    const before = applied === '' ? '' : `${applied}, then: `;
    report({ kind: 'warning', message: `${name}: ${before}${error.message}` });
    return;
  }
  const message = `${name}: ${applied || 'up to date'}, at ${current ?? 'no migration'}`;
  report({ kind: 'done', step: 'migrate.database', message, durationMs });
}
