import type { Kysely, KyselyPlugin } from 'kysely';
import type pg from 'pg';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import type { Direction } from '../compile.ts';
import type { MigrationAdapter } from '../lock.ts';
import { isTransactional, type RegisteredMigration } from '../registry.ts';
import { type FailurePlace, migrationFailure } from './failure.ts';
import { type ScriptError, sendScript } from './send-script.ts';
import type { Frame } from './session-traffic.ts';

/** More statements than these are sent one message after the other, so that it can be told how far they are. */
const MESSAGE_STATEMENTS = 10;

export interface Execution {
  readonly name: string;
  readonly migration: RegisteredMigration;
  readonly direction: Direction;
  /** All that it sends, in order. */
  readonly statements: readonly string[];
}

/**
 * Runs a migration's function: says how far it is, stops between two statements when asked to, and names the one that
 * failed.
 * @throws MIGRATION_FAILED, PERMISSION_DENIED, INTERRUPTED
 */
export async function executeMigration(db: Kysely<unknown>, execution: Execution, context: RunContext): Promise<void> {
  let begun = 0;
  const watch: KyselyPlugin = {
    transformQuery: ({ node }) => {
      stopIfInterrupted(context);
      reportProgress(execution, begun, context);
      begun += 1;
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  try {
    await execution.migration[execution.direction]!(db.withPlugin(watch));
  } catch (error) {
    const { traffic } = db.getExecutor().adapter as MigrationAdapter;
    throw failureAt(execution, begun, error, traffic.inTransaction);
  }
}

/**
 * Runs the statements of a SQL file as a transaction: `opening` first, `closing` last, which keeps the books, and `ending`
 * behind its COMMIT. With few statements that is two messages, the second being COMMIT, which must not go out before all
 * else is answered: a run that is killed meanwhile leaves nothing.
 * @throws MIGRATION_FAILED, PERMISSION_DENIED, INTERRUPTED; what the server says to BEGIN and to the opening
 */
export async function executeScript(
  client: pg.Client,
  execution: Execution,
  { opening, closing, ending }: Frame & { readonly closing: readonly string[] },
  context: RunContext,
): Promise<void> {
  const { statements } = execution;
  try {
    for (let sent = 0; sent === 0 || sent < statements.length; sent += MESSAGE_STATEMENTS) {
      const lead = sent === 0 ? ['begin', ...opening] : [];
      const own = statements.slice(sent, sent + MESSAGE_STATEMENTS);
      const end = sent + MESSAGE_STATEMENTS < statements.length ? [] : closing;
      reportProgress(execution, sent, context);
      await sendScript(client, [...lead, ...own, ...end]).catch((error: ScriptError) => {
        const index = sent + error.index - lead.length;
        // What cannot even begin is no failure of the migration.
        if (index < 0) throw error.cause;
        throw failureAt(execution, index < statements.length ? index + 1 : 'its entry in the books', error.cause);
      });
      stopIfInterrupted(context);
    }
    await client.query(['commit', ...ending].join('; ')).catch((error: unknown) => {
      throw failureAt(execution, 'its COMMIT', error);
    });
  } catch (error) {
    // On a lost connection it fails too, which must not hide the reason.
    await client.query('rollback').catch(() => {});
    throw error;
  }
}

function reportProgress({ direction, statements }: Execution, done: number, context: RunContext): void {
  context.report({ kind: 'progress', step: `migrate.${direction}`, done, total: statements.length, unit: 'items' });
}

/** The error of one of its statements, or of what comes behind them; in a transaction that was open then. */
export function failureAt(
  { name, migration, direction, statements }: Execution,
  statement: FailurePlace['statement'],
  error: unknown,
  inTransaction = isTransactional(migration),
): unknown {
  return migrationFailure(error, {
    name,
    direction,
    statement,
    statements,
    transactional: isTransactional(migration),
    inTransaction,
    source: migration.source,
  });
}
