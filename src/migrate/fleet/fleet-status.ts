import type { NamedConnection } from '../../config/url-file.ts';
import { mapConcurrently } from '../../core/concurrently.ts';
import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { waitForServer } from '../../postgres/wait-for-server.ts';
import type { Registry } from '../registry.ts';
import { judgeStatus, type MigrationStatus, status } from '../status.ts';
import {
  commonFailure,
  contextOf,
  type DatabaseError,
  type DatabaseIdentity,
  DEFAULT_JOBS,
  databaseError,
  identityOf,
  someNames,
} from './one-of-many.ts';

export interface StatusManyOptions {
  readonly databases: readonly NamedConnection[];
  /** The migrations; those that ship by default. */
  readonly registry?: Registry;
  /** How many databases at once. */
  readonly jobs?: number;
  /** Milliseconds to wait for each server that is still starting; not at all without it. */
  readonly waitMs?: number | undefined;
}

/** `changed`: a migration was edited after it was applied, its file is missing, or it was skipped. */
export type DatabaseStatusState = 'up to date' | 'pending' | 'changed' | 'failed' | 'not asked';

export interface DatabaseStatus extends DatabaseIdentity {
  readonly state: DatabaseStatusState;
  readonly current: string | null;
  /** null where the database could not be asked; `migrations` too. */
  readonly pending: readonly string[] | null;
  readonly migrations: readonly MigrationStatus[] | null;
  /** Why it could not be asked. */
  readonly error: DatabaseError | null;
}

export interface StatusManyResult {
  /** In the order that they were given. */
  readonly databases: readonly DatabaseStatus[];
}

/**
 * The migrations of many databases with their states, some databases at once. Reads only, so a failure in one does not
 * stop the others: it is in its outcome. Nothing is thrown; what an aborted `signal` left out was not asked.
 */
export async function statusMany(options: StatusManyOptions, context: RunContext): Promise<StatusManyResult> {
  const { databases, jobs = DEFAULT_JOBS } = options;
  const asked = await mapConcurrently(databases, jobs, (database) => statusOne(database, options, context));
  return Object.freeze({ databases: asked });
}

/**
 * What `--check` answers: undefined when all is applied everywhere. A database that could not be asked weighs most,
 * because nobody knows what it would have answered; then a broken promise, then work to do.
 */
export function judgeStatusMany(
  result: StatusManyResult,
  { check }: { readonly check: boolean },
): StructdbError | undefined {
  const { databases } = result;
  const of = (state: DatabaseStatusState) => databases.filter((database) => database.state === state);
  const total = databases.length;
  const [interrupted, failed, changed, pending] = [of('not asked'), of('failed'), of('changed'), of('pending')];
  if (interrupted.length > 0) {
    return new StructdbError(
      'INTERRUPTED',
      `Interrupted: ${total - interrupted.length} of ${total} databases were asked.`,
    );
  }
  if (failed.length > 0) {
    return commonFailure(failed, total, { hint: 'Correct what is told of each, then run the same command again.' });
  }
  if (!check) return undefined;
  if (changed.length > 0) {
    return new StructdbError(
      'MIGRATION_CHANGED',
      `The migrations do not match ${changed.length} of ${total} databases: ${someNames(changed)}.`,
      {
        details: changed.flatMap(({ name, ...one }) =>
          (verdictOn(one)?.details ?? []).map((line) => `${name}: ${line}`),
        ),
        hint: 'Look at one alone: structdb migrate status --url <url>',
      },
    );
  }
  if (pending.length === 0) return undefined;
  return new StructdbError(
    'MIGRATIONS_PENDING',
    `Migrations wait to be applied in ${pending.length} of ${total} databases: ${someNames(pending)}.`,
    { hint: 'Run: structdb migrate up --url-file <file>' },
  );
}

async function statusOne(
  database: NamedConnection,
  { registry, waitMs }: StatusManyOptions,
  context: RunContext,
): Promise<DatabaseStatus> {
  const { connection } = database;
  const own = contextOf(database, context);
  const unknown = { current: null, pending: null, migrations: null };
  try {
    if (waitMs !== undefined) await waitForServer(connection, { timeoutMs: waitMs }, own);
    const { current, pending, migrations } = await status({ connection, ...(registry ? { registry } : {}) }, own);
    const told = { database: connection.database, current, pending, migrations };
    const code = verdictOn(told)?.code;
    const state = code === 'MIGRATION_CHANGED' ? 'changed' : code === 'MIGRATIONS_PENDING' ? 'pending' : 'up to date';
    return Object.freeze({ ...identityOf(database), state, ...told, error: null });
  } catch (thrown) {
    const error = databaseError(thrown);
    if (error.code === 'INTERRUPTED') {
      return Object.freeze({ ...identityOf(database), state: 'not asked', ...unknown, error: null });
    }
    context.report({ kind: 'warning', message: `${database.name}: ${error.message}` });
    return Object.freeze({ ...identityOf(database), state: 'failed', ...unknown, error });
  }
}

function verdictOn({
  database,
  current,
  pending,
  migrations,
}: Omit<DatabaseStatus, 'name' | 'host' | 'port' | 'state' | 'error'>) {
  if (pending === null || migrations === null) return undefined;
  return judgeStatus({ database, current, pending, migrations });
}
