import { type Kysely, sql } from 'kysely';
import type { RunContext } from '../../core/context.ts';
import { toolVersion } from '../../core/tool-version.ts';
import { forgetStatement, recordStatement } from '../../database/bookkeeping.ts';
import { checksumOf, joinStatements } from '../compile.ts';
import type { MigrationAdapter } from '../lock.ts';
import { isTransactional } from '../registry.ts';
import { type Execution, executeMigration, executeScript, failureAt } from './execute.ts';
import { AS_ONESELF } from './session-reset.ts';
import type { Frame } from './session-traffic.ts';
import { limitsStatement, type MigrationLimits, withSessionLimits } from './timeouts.ts';

/** A migration on its way, with the limits of its statements. */
export interface Step extends Execution {
  readonly limits: MigrationLimits;
  /** The statements that undo what it leaves in the session; none behind the last one. */
  readonly reset: readonly string[];
}

/**
 * Runs one migration and keeps the books: as one transaction with them, or statement by statement and then the books.
 * @throws MIGRATION_FAILED with the statement that failed
 */
export async function runStep(db: Kysely<unknown>, step: Step, context: RunContext): Promise<void> {
  const { migration, direction, statements, limits, reset } = step;
  if (direction === 'up' && statements.length === 0) context.report(emptiness(step));
  if (isTransactional(migration)) {
    const frame = { opening: [limitsStatement(limits, true)], ending: reset };
    const closing = bookEntry(step, 'in transaction');
    const { traffic } = db.getExecutor().adapter as MigrationAdapter;
    if (migration.statements) return executeScript(traffic.client, step, { ...frame, closing }, context);
    return inTransaction(db, frame, step, async (transaction) => {
      await executeMigration(transaction, step, context);
      await keepBooks(transaction, step, closing);
    });
  }
  const started = context.clock.monotonicMs();
  await withSessionLimits(db, limits, () => withoutTransaction(db, step, context));
  await keepBooks(db, step, [...bookEntry(step, context.clock.monotonicMs() - started), ...reset]);
}

/**
 * A BEGIN of the migration's own needs a COMMIT of its own. Without one, what follows it would be gone when the session
 * ends, and the books with it: it is undone at once, and told.
 */
async function withoutTransaction(db: Kysely<unknown>, step: Step, context: RunContext): Promise<void> {
  const { traffic } = db.getExecutor().adapter as MigrationAdapter;
  try {
    await executeMigration(db, step, context);
    if (traffic.inTransaction) throw failureAt(step, 'its end', new Error('its BEGIN has no COMMIT'), true);
  } finally {
    // On a lost connection it fails too, which must not hide the reason.
    if (traffic.inTransaction) await traffic.client.query('rollback').catch(() => {});
  }
}

async function keepBooks(session: Kysely<unknown>, execution: Execution, entry: readonly string[]): Promise<void> {
  await sql
    .raw(entry.join('; '))
    .execute(session)
    .catch((error: unknown) => {
      throw failureAt(execution, 'its entry in the books', error);
    });
}

/** What follows a failure (a ROLLBACK on a lost connection fails too) must not hide its reason. */
async function inTransaction(
  db: Kysely<unknown>,
  frame: Frame,
  execution: Execution,
  work: (transaction: Kysely<unknown>) => Promise<void>,
): Promise<void> {
  const adapter = db.getExecutor().adapter as MigrationAdapter;
  let reason: { readonly error: unknown } | undefined;
  let done = false;
  const explained = async (transaction: Kysely<unknown>) => {
    try {
      await work(transaction);
      done = true;
    } catch (error) {
      reason = { error };
      throw error;
    }
  };
  await adapter.traffic
    .framed(frame, () => db.transaction().execute(explained))
    .catch((error: unknown) => {
      if (reason !== undefined) throw reason.error;
      throw done ? failureAt(execution, 'its COMMIT', error) : error;
    });
}

/** A template that was never filled in, most likely. */
function emptiness({ name, migration: { down } }: Step) {
  return {
    kind: 'warning' as const,
    message: `Migration ${name} has no statement; it is recorded as applied, and what is written into it later does not run`,
    hint:
      down === undefined
        ? 'Write that as a new migration: structdb migrate create <name>'
        : 'Take it back before you fill it in: structdb migrate down',
  };
}

/** By the role of the run, also where the migration took another. */
function bookEntry({ name, direction, statements }: Step, durationMs: number | 'in transaction'): string[] {
  if (direction === 'down') return [...AS_ONESELF, forgetStatement(name)];
  const text = joinStatements(statements);
  const record = { name, sql: text, checksum: checksumOf(text), durationMs, toolVersion: toolVersion() };
  return [...AS_ONESELF, recordStatement(record)];
}
