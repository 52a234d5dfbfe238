import type { Kysely } from 'kysely';
import type { MigrationResult, MigrationResultSet } from 'kysely/migration';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { readAppliedMigrations } from '../../database/bookkeeping.ts';
import { isConnectionLoss } from '../../postgres/errors.ts';
import { namesOf, type Registry, registry as shipped } from '../registry.ts';
import { type MigrationSession, noticeWhenKilled, withMigrator } from '../session.ts';
import { lostConnection } from './lost-connection.ts';
import type { StructdbMigrator } from './migrator.ts';
import { requireWritableSession } from './preflight.ts';
import { requireMigrationPrivileges } from './privileges.ts';
import { redoFailure } from './redo.ts';
import { DEFAULT_LOCK_TIMEOUT_MS } from './timeouts.ts';

/** How long `up`, `down`, `to` and `redo` wait for another run by default. */
export const DEFAULT_LOCK_WAIT_MS = 60_000;

export interface MigrateOptions {
  readonly connection: ConnectionSettings;
  /** The migrations; those that ship by default. */
  readonly registry?: Registry;
  /** Milliseconds to wait for another run; 0 means not at all. */
  readonly lockWaitMs?: number;
  /** Milliseconds that a statement waits for a lock, where the migration does not say; 0 means no limit. */
  readonly lockTimeoutMs?: number;
}

export interface MigratedStep {
  readonly name: string;
  readonly direction: 'up' | 'down';
}

export interface MigrateResult {
  readonly database: string;
  /** What this run did, in order; empty when there was nothing to do. */
  readonly steps: readonly MigratedStep[];
  /** The last applied migration now; null when none is. */
  readonly current: string | null;
  readonly pending: readonly string[];
}

/**
 * Applies the next `count` pending migrations, all without a count.
 * @throws PERMISSION_DENIED, LOCKED, MIGRATION_UNKNOWN, MIGRATION_ORDER, MIGRATION_FAILED, INTERRUPTED
 */
export function up(options: MigrateOptions & { readonly count?: number }, context: RunContext): Promise<MigrateResult> {
  const count = options.count ?? Number.POSITIVE_INFINITY;
  return migrate(options, context, (migrator) => migrator.migrateUpBy(count));
}

/**
 * Takes back the last `count` migrations, one without a count. What that loses: `previewDown`.
 * @throws as `up`, and MIGRATION_IRREVERSIBLE
 */
export function down(
  options: MigrateOptions & { readonly count?: number },
  context: RunContext,
): Promise<MigrateResult> {
  return migrate(options, context, (migrator) => migrator.migrateDownBy(options.count ?? 1));
}

/**
 * Goes up or down until `name` is the last applied migration.
 * @throws as `up` and `down`, and USAGE for a name that does not exist
 */
export function to(options: MigrateOptions & { readonly name: string }, context: RunContext): Promise<MigrateResult> {
  return migrate(options, context, (migrator) => migrator.migrateTo(options.name));
}

/** A run of `up`, whichever way it ended. */
export interface UpAttempt {
  /** What it did, also before a failure; undefined where the database could not be asked. */
  readonly reached: MigrateResult | undefined;
  readonly error: unknown;
}

/** As `up`, and on a failure with what was done before it. Never throws. */
export async function attemptUp(
  options: MigrateOptions & { readonly count?: number | undefined },
  context: RunContext,
): Promise<UpAttempt> {
  const count = options.count ?? Number.POSITIVE_INFINITY;
  let reached: MigrateResult | undefined;
  const seen = (result: MigrateResult) => {
    reached = result;
  };
  try {
    return {
      reached: await migrate(options, context, (migrator) => migrator.migrateUpBy(count), seen),
      error: undefined,
    };
  } catch (error) {
    return { reached, error };
  }
}

/**
 * Takes back the last `count` migrations, one without a count, and applies the same again, as they are now, without letting
 * another run in between. What that loses: `previewRedo`.
 * @throws as `up`, and MIGRATION_IRREVERSIBLE; after the way back, the message says where the database is now
 */
export function redo(
  options: MigrateOptions & { readonly count?: number },
  context: RunContext,
): Promise<MigrateResult> {
  return migrate(options, context, async (migrator) => {
    const { error, results = [] } = await migrator.migrateRedoBy(options.count ?? 1);
    if (error === undefined || isLost(error, context)) return { error, results };
    return { error: redoFailure(error, results, options.registry ?? shipped, context), results };
  });
}

function migrate(
  {
    connection,
    lockWaitMs = DEFAULT_LOCK_WAIT_MS,
    lockTimeoutMs = DEFAULT_LOCK_TIMEOUT_MS,
    registry = shipped,
  }: MigrateOptions,
  context: RunContext,
  verb: (migrator: StructdbMigrator) => Promise<MigrationResultSet>,
  /** Given what was done before a failure. */
  onFailure: (reached: MigrateResult) => void = () => {},
): Promise<MigrateResult> {
  const verbOn = async ({ client, db, migrator }: MigrationSession) => {
    await noticeWhenKilled(client);
    await requireWritableSession(client, connection, lockTimeoutMs);
    await requireMigrationPrivileges(client, connection);
    const { error, results = [] } = await verb(migrator);
    if (error === undefined) return reachedBy(results, await appliedNames(db));
    const lost = isLost(error, context) ? await lostConnection(error, connection, results, context) : undefined;
    const applied = lost ? lost.applied : await appliedNamesAfterFailure(db);
    if (applied) onFailure(reachedBy(stepsIn(results, applied), applied));
    throw lost?.error ?? error;
  };
  const reachedBy = (results: readonly MigrationResult[], applied: readonly string[]): MigrateResult => {
    const all = namesOf(registry);
    return Object.freeze({
      database: connection.database,
      steps: results.map(({ migrationName, direction }) => ({
        name: migrationName,
        direction: direction === 'Up' ? ('up' as const) : ('down' as const),
      })),
      current: all.findLast((name) => applied.includes(name)) ?? null,
      pending: all.filter((name) => !applied.includes(name)),
    });
  };
  return withMigrator(connection, lockWaitMs, context, verbOn, { lockTimeoutMs, registry });
}

/** Those of a failed run whose work the database has. */
function stepsIn(results: readonly MigrationResult[], applied: readonly string[]): MigrationResult[] {
  return results.filter(({ migrationName, direction }) => applied.includes(migrationName) === (direction === 'Up'));
}

async function appliedNames(db: Kysely<unknown>): Promise<string[]> {
  return (await readAppliedMigrations(db)).map(({ name }) => name);
}

/** undefined where the database does not answer. Ctrl-C's cancel may come late and hit the question: it is asked again. */
function appliedNamesAfterFailure(db: Kysely<unknown>): Promise<string[] | undefined> {
  return appliedNames(db)
    .catch(() => appliedNames(db))
    .catch(() => undefined);
}

/** Ctrl-C closes connections too; then it is the reason. */
function isLost(error: unknown, { signal }: RunContext): boolean {
  return isConnectionLoss(error) && !signal.aborted;
}
