import type { Kysely } from 'kysely';
import {
  type Migration,
  type MigrationResult,
  type MigrationResultSet,
  Migrator,
  type NoMigrations,
} from 'kysely/migration';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { asStep } from '../../core/progress.ts';
import {
  type AppliedMigration,
  BOOKKEEPING_SCHEMA,
  ensureBookkeeping,
  readAppliedMigrations,
} from '../../database/bookkeeping.ts';
import { compileMigration } from '../compile.ts';
import type { MigrationAdapter } from '../lock.ts';
import { inDirection, isTransactional, namesOf, type Registry } from '../registry.ts';
import { refuseTransactionControl } from '../transaction-control.ts';
import { repairInvalidIndexes } from './invalid-indexes.ts';
import { type LockRetryOptions, withLockRetries } from './retry.ts';
import { sessionReset } from './session-reset.ts';
import { runStep, type Step } from './step.ts';
import { DEFAULT_LOCK_TIMEOUT_MS, limitsOf, patientWith } from './timeouts.ts';
import { requireWaysBack } from './way-back.ts';

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

interface Leg {
  readonly direction: 'Up' | 'Down';
  readonly names: readonly string[];
}

/** Where a run goes: some steps up, or some steps down, or down and up again. */
type Course = readonly Leg[];

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

  /** The last `count` migrations down, and the same up again, in one holding of the lock. */
  migrateRedoBy(count: number): Promise<MigrationResultSet> {
    return this.#run((applied) => {
      const names = lastFirst(applied, count);
      requireWaysBack(names, this.#registry, 'nothing was taken back');
      return [
        { direction: 'Down', names },
        { direction: 'Up', names: names.toReversed() },
      ];
    });
  }

  async #run(choose: (applied: readonly AppliedMigration[]) => Course): Promise<MigrationResultSet> {
    let course: Course = [];
    let done = 0;
    const adapter = this.#db.getExecutor().adapter as MigrationAdapter;
    try {
      await adapter.acquireMigrationLock(this.#db);
      try {
        // Under the lock: two first runs would both create schema structdb.
        await ensureBookkeeping(this.#db);
        const applied = await readAppliedMigrations(this.#db);
        refuseForeignState(applied, this.#registry);
        course = choose(applied);
        const prepared = await this.#prepare(course);
        const reset = prepared.length > 1 ? await sessionReset(this.#db) : [];
        for (const leg of course) {
          await this.#repairIndexes(leg, leg === course.at(-1));
          for (const _ of leg.names) {
            await this.#step({ ...prepared[done]!, reset: done < prepared.length - 1 ? reset : [] });
            done += 1;
          }
        }
      } finally {
        await adapter.releaseMigrationLock(this.#db).catch((error: unknown) => {
          if (error instanceof StructdbError) throw error;
        });
      }
      return { results: stepsOf(course).map(({ direction, name }) => result(name, direction, 'Success')) };
    } catch (error) {
      return { error, results: await this.#truth(course, done) };
    }
  }

  /** What cannot be read, or has limits that are none, is known before anything runs. */
  async #prepare(course: Course): Promise<Omit<Step, 'reset'>[]> {
    const steps: Omit<Step, 'reset'>[] = [];
    for (const { direction: way, name } of stepsOf(course)) {
      const direction = way === 'Up' ? 'up' : 'down';
      const migration = inDirection(this.#registry[name]!, direction);
      const statements = await compileMigration(migration, direction);
      refuseTransactionControl(name, migration, direction, statements);
      const limits = patientWith(statements, migration, limitsOf(name, migration, this.#lockTimeoutMs));
      steps.push({ name, migration, direction, statements, limits });
    }
    return steps;
  }

  async #step(step: Step): Promise<void> {
    stopIfInterrupted(this.#context);
    const { name, direction, migration, limits } = step;
    const words = direction === 'up' ? ['Applying', 'Applied'] : ['Taking back', 'Took back'];
    await asStep(
      this.#context,
      `migrate.${direction}`,
      `${words[0]} ${name}`,
      () =>
        withLockRetries(() => runStep(this.#db, step, this.#context), {
          name,
          transactional: isTransactional(migration),
          lockTimeoutMs: limits.lockTimeoutMs,
          context: this.#context,
          watched: this.#watched,
        }),
      () => `${words[1]} ${name}`,
    );
  }

  #repairIndexes({ names, direction }: Leg, warns: boolean): Promise<void> {
    return repairInvalidIndexes({
      db: this.#db,
      registry: this.#registry,
      names,
      direction: direction === 'Up' ? 'up' : 'down',
      context: this.#context,
      warns,
    });
  }

  #pending(applied: readonly AppliedMigration[], count: number): Course {
    const done = new Set(applied.map(({ name }) => name));
    const pending = namesOf(this.#registry).filter((name) => !done.has(name));
    return [{ direction: 'Up', names: pending.slice(0, count) }];
  }

  #back(applied: readonly AppliedMigration[], count: number): Course {
    const names = lastFirst(applied, count);
    requireWaysBack(names, this.#registry, 'nothing was taken back');
    return [{ direction: 'Down', names }];
  }

  /** What of the course the database has by now: the COMMIT of the step after those `done` may have had no answer. */
  async #truth(course: Course, done: number): Promise<MigrationResult[]> {
    const steps = stepsOf(course);
    const applied = await readAppliedMigrations(this.#db).catch(() => undefined);
    const last = steps[done];
    const isThere = last && applied && applied.some(({ name }) => name === last.name) === (last.direction === 'Up');
    const failed = isThere ? done + 1 : done;
    return steps.map(({ name, direction }, index) =>
      result(name, direction, index < failed ? 'Success' : index === failed ? 'Error' : 'NotExecuted'),
    );
  }
}

function stepsOf(course: Course): { readonly direction: Leg['direction']; readonly name: string }[] {
  return course.flatMap(({ direction, names }) => names.map((name) => ({ direction, name })));
}

function lastFirst(applied: readonly AppliedMigration[], count: number): string[] {
  return applied
    .map(({ name }) => name)
    .toReversed()
    .slice(0, count);
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
