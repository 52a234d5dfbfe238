import { type Kysely, sql } from 'kysely';
import type { RunContext } from '../../core/context.ts';
import { toolVersion } from '../../core/tool-version.ts';
import { forgetStatement, recordStatement } from '../../database/bookkeeping.ts';
import { checksumOf, compileMigration, type Direction, joinStatements } from '../compile.ts';
import type { MigrationAdapter } from '../lock.ts';
import { inDirection, isTransactional, type RegisteredMigration } from '../registry.ts';
import { executeMigration, executeScript } from './execute.ts';
import { limitsOf, limitsStatement, patientWith, withSessionLimits } from './timeouts.ts';

export interface Step {
  readonly name: string;
  readonly migration: RegisteredMigration;
  readonly direction: Direction;
  /** Of its statements, where the migration does not say. Milliseconds. */
  readonly lockTimeoutMs: number;
}

/**
 * Runs one migration and keeps the books: as one transaction with them, or statement by statement and then the books.
 * @throws MIGRATION_FAILED with the statement that failed
 */
export async function runStep(db: Kysely<unknown>, step: Step, context: RunContext): Promise<void> {
  const { name, direction, lockTimeoutMs } = step;
  const migration = inDirection(step.migration, direction);
  const statements = await compileMigration(migration, direction);
  const limits = patientWith(statements, migration, limitsOf(name, migration, lockTimeoutMs));
  const execution = { name, migration, direction, statements };
  if (direction === 'up' && statements.length === 0) context.report(emptiness(step));
  if (isTransactional(migration)) {
    const [opening, closing] = [limitsStatement(limits, true), bookEntry(step, statements, 'in transaction')];
    const { traffic } = db.getExecutor().adapter as MigrationAdapter;
    if (migration.statements) return executeScript(traffic.client, execution, { opening, closing }, context);
    return inTransaction(db, opening, async (transaction) => {
      await executeMigration(transaction, execution, context);
      await sql.raw(closing).execute(transaction);
    });
  }
  const started = context.clock.monotonicMs();
  await withSessionLimits(db, limits, () => executeMigration(db, execution, context));
  await sql.raw(bookEntry(step, statements, context.clock.monotonicMs() - started)).execute(db);
}

/** What follows a failure (a ROLLBACK on a lost connection fails too) must not hide its reason. */
async function inTransaction(
  db: Kysely<unknown>,
  opening: string,
  work: (transaction: Kysely<unknown>) => Promise<void>,
): Promise<void> {
  const adapter = db.getExecutor().adapter as MigrationAdapter;
  let reason: { readonly error: unknown } | undefined;
  const explained = (transaction: Kysely<unknown>) =>
    work(transaction).catch((error: unknown) => {
      reason = { error };
      throw error;
    });
  await adapter.traffic
    .opening(opening, () => db.transaction().execute(explained))
    .catch((error: unknown) => {
      throw reason === undefined ? error : reason.error;
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

function bookEntry(
  { name, direction }: Step,
  statements: readonly string[],
  durationMs: number | 'in transaction',
): string {
  if (direction === 'down') return forgetStatement(name);
  const text = joinStatements(statements);
  return recordStatement({ name, sql: text, checksum: checksumOf(text), durationMs, toolVersion: toolVersion() });
}
