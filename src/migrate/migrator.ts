import type { Kysely } from 'kysely';
import {
  type Migration,
  type MigrationResult,
  type MigrationResultSet,
  Migrator,
  type NoMigrations,
} from 'kysely/migration';
import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { asStep } from '../core/progress.ts';
import {
  type AppliedMigration,
  BOOKKEEPING_SCHEMA,
  ensureBookkeeping,
  readAppliedMigrations,
} from '../database/bookkeeping.ts';
import { repairInvalidIndexes } from './invalid-indexes.ts';
import type { MigrationAdapter } from './lock.ts';
import { inDirection, isTransactional, namesOf, type RegisteredMigration, type Registry } from './registry.ts';
import { type LockRetryOptions, withLockRetries } from './retry.ts';
import { runStep, type Step } from './step.ts';
import { DEFAULT_LOCK_TIMEOUT_MS, limitsOf, type MigrationLimits } from './timeouts.ts';

export interface StructdbMigratorProps {
  /** Made by kyselyOver: one session, the polling lock. */
  readonly db: Kysely<unknown>;
  readonly registry: Registry;
  readonly context: RunContext;
  /** How long a statement waits for a lock, where the migration does not say. Milliseconds. */
  readonly lockTimeoutMs?: number;
  /** Sees who is in the way; without it nobody is named. */
  readonly watched?: LockRetryOptions['watched'];
}

/** Where a run goes: some steps up, or some steps down. */
interface Course {
  readonly direction: 'Up' | 'Down';
  readonly names: readonly string[];
}

/**
 * Kysely's Migrator with what it lacks: the lock is held and the books are read once for the whole run (kysely reads
 * them for each migration), each migration has its own transaction (or none, where its `config` says so), nothing starts
 * when the database knows a migration that structdb does not or a way
 * back is missing, and after a failure the results are what the database says, not what was attempted.
 *
 * kysely-ctl is given this class too (kysely.config.ts), so both leave the same books.
 */
export class StructdbMigrator extends Migrator {
  readonly #db: Kysely<unknown>;
  readonly #registry: Registry;
  readonly #context: RunContext;
  readonly #lockTimeoutMs: number;
  readonly #watched: LockRetryOptions['watched'];

  constructor({
    db,
    registry,
    context,
    lockTimeoutMs = DEFAULT_LOCK_TIMEOUT_MS,
    watched = unwatched,
  }: StructdbMigratorProps) {
    super({
      db,
      provider: { getMigrations: async () => registry as Record<string, Migration> },
      migrationTableSchema: BOOKKEEPING_SCHEMA,
    });
    this.#db = db;
    this.#registry = registry;
    this.#context = context;
    this.#lockTimeoutMs = lockTimeoutMs;
    this.#watched = watched;
  }

  override migrateToLatest(): Promise<MigrationResultSet> {
    return this.#run((applied) => this.#pending(applied, Number.POSITIVE_INFINITY));
  }

  override migrateUp(): Promise<MigrationResultSet> {
    return this.#run((applied) => this.#pending(applied, 1));
  }

  override migrateDown(): Promise<MigrationResultSet> {
    return this.#run((applied) => this.#back(applied, 1));
  }

  /** Up to and with `target`, or down to it, keeping it; NO_MIGRATIONS is all the way down. */
  override migrateTo(target: string | NoMigrations): Promise<MigrationResultSet> {
    return this.#run((applied) => {
      if (typeof target !== 'string') return this.#back(applied, applied.length);
      const position = applied.findIndex(({ name }) => name === target);
      if (position >= 0) return this.#back(applied, applied.length - position - 1);
      const all = namesOf(this.#registry);
      if (!all.includes(target)) throw unknownTarget(target, all);
      return this.#pending(applied, all.indexOf(target) + 1 - applied.length);
    });
  }

  /** The next `count` migrations up. */
  migrateUpBy(count: number): Promise<MigrationResultSet> {
    return this.#run((applied) => this.#pending(applied, count));
  }

  /** The last `count` migrations down. */
  migrateDownBy(count: number): Promise<MigrationResultSet> {
    return this.#run((applied) => this.#back(applied, count));
  }

  async #run(choose: (applied: readonly AppliedMigration[]) => Course): Promise<MigrationResultSet> {
    let course: Course = { direction: 'Up', names: [] };
    const adapter = this.#db.getExecutor().adapter as MigrationAdapter;
    try {
      await adapter.acquireMigrationLock(this.#db);
      try {
        // Under the lock: two first runs would both create schema structdb.
        await ensureBookkeeping(this.#db);
        const applied = await readAppliedMigrations(this.#db);
        refuseForeignState(applied, this.#registry);
        course = choose(applied);
        for (const name of course.names) this.#limits(course.direction, name);
        await this.#repairIndexes(course);
        for (const name of course.names) await this.#step(course.direction, name);
      } finally {
        await adapter.releaseMigrationLock(this.#db).catch((error: unknown) => {
          if (error instanceof StructdbError) throw error;
        });
      }
      return { results: course.names.map((name) => result(name, course.direction, 'Success')) };
    } catch (error) {
      return { error, results: await this.#truth(course) };
    }
  }

  async #step(direction: Course['direction'], name: string): Promise<void> {
    stopIfInterrupted(this.#context);
    const step: Step = {
      name,
      migration: this.#registry[name]!,
      direction: direction === 'Up' ? 'up' : 'down',
      lockTimeoutMs: this.#lockTimeoutMs,
    };
    const words = direction === 'Up' ? ['Applying', 'Applied'] : ['Taking back', 'Took back'];
    await asStep(
      this.#context,
      direction === 'Up' ? 'migrate.up' : 'migrate.down',
      `${words[0]} ${name}`,
      () =>
        withLockRetries(() => runStep(this.#db, step, this.#context), {
          name,
          transactional: isTransactional(this.#migration(direction, name)),
          lockTimeoutMs: this.#limits(direction, name).lockTimeoutMs,
          context: this.#context,
          watched: this.#watched,
        }),
      () => `${words[1]} ${name}`,
    );
  }

  #repairIndexes({ names, direction }: Course): Promise<void> {
    return repairInvalidIndexes({
      db: this.#db,
      registry: this.#registry,
      names,
      direction: direction === 'Up' ? 'up' : 'down',
      context: this.#context,
    });
  }

  #migration(direction: Course['direction'], name: string): RegisteredMigration {
    return inDirection(this.#registry[name]!, direction === 'Up' ? 'up' : 'down');
  }

  #limits(direction: Course['direction'], name: string): MigrationLimits {
    return limitsOf(name, this.#migration(direction, name), this.#lockTimeoutMs);
  }

  #pending(applied: readonly AppliedMigration[], count: number): Course {
    const done = new Set(applied.map(({ name }) => name));
    const pending = namesOf(this.#registry).filter((name) => !done.has(name));
    return { direction: 'Up', names: pending.slice(0, count) };
  }

  #back(applied: readonly AppliedMigration[], count: number): Course {
    const names = applied
      .map(({ name }) => name)
      .toReversed()
      .slice(0, count);
    const stuck = names.find((name) => this.#registry[name]?.down === undefined);
    if (stuck !== undefined) {
      // kysely would skip it without a word and take the older ones back (kysely-org/kysely#1358).
      throw new StructdbError('MIGRATION_IRREVERSIBLE', `Migration ${stuck} has no down: nothing was taken back.`, {
        hint: `Restore a backup from before it, or go back only to it: structdb migrate to ${stuck}`,
      });
    }
    return { direction: 'Down', names };
  }

  /** What of the course the database has by now. */
  async #truth({ direction, names }: Course): Promise<MigrationResult[]> {
    const applied = await readAppliedMigrations(this.#db).catch(() => undefined);
    if (applied === undefined) return names.map((name) => result(name, direction, 'NotExecuted'));
    const isApplied = new Set(applied.map(({ name }) => name));
    const reached = names.map((name) => isApplied.has(name) === (direction === 'Up'));
    const failed = reached.indexOf(false);
    return names.map((name, index) =>
      result(name, direction, reached[index] ? 'Success' : index === failed ? 'Error' : 'NotExecuted'),
    );
  }
}

async function unwatched(attempt: () => Promise<void>): ReturnType<LockRetryOptions['watched']> {
  const [outcome] = await Promise.allSettled([attempt()]);
  return { outcome, blockers: [] };
}

/** The database's migrations must be the first ones of ours, without a gap and without a stranger. */
export function refuseForeignState(applied: readonly AppliedMigration[], registry: Registry): void {
  const all = namesOf(registry);
  const strangers = applied.map(({ name }) => name).filter((name) => !all.includes(name));
  if (strangers.length > 0) {
    throw new StructdbError(
      'MIGRATION_UNKNOWN',
      `The database has ${strangers.length === 1 ? 'a migration' : 'migrations'} that this structdb does not know: ${strangers.join(', ')}.`,
      { hint: 'Use the structdb, or the folder of migrations (--migrations-dir), that applied them.' },
    );
  }
  const names = new Set(applied.map(({ name }) => name));
  const gap = all.findIndex((name) => !names.has(name));
  const after = gap < 0 ? [] : all.slice(gap).filter((name) => names.has(name));
  if (after.length > 0) {
    throw new StructdbError(
      'MIGRATION_ORDER',
      `The database has ${after.join(', ')} without ${all[gap]}, which comes before.`,
      { hint: 'Compare structdb.kysely_migration with a backup: a row was removed by hand, or added.' },
    );
  }
}

function result(
  migrationName: string,
  direction: MigrationResult['direction'],
  status: MigrationResult['status'],
): MigrationResult {
  return { migrationName, direction, status };
}

function unknownTarget(target: string, all: readonly string[]): StructdbError {
  return new StructdbError('USAGE', `There is no migration named "${target}".`, {
    details: all,
    hint: 'Run: structdb migrate status',
  });
}
