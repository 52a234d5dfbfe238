import { type Kysely, type KyselyPlugin, sql } from 'kysely';
import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import type { Direction } from './compile.ts';
import { migrationFailure } from './failure.ts';
import type { MigrationAdapter } from './lock.ts';
import { isTransactional, type RegisteredMigration } from './registry.ts';

export interface Execution {
  readonly name: string;
  readonly migration: RegisteredMigration;
  readonly direction: Direction;
  /** All that it sends, in order. */
  readonly statements: readonly string[];
  /** What keeps the books, in the same transaction. */
  readonly entry?: string;
}

/**
 * Sends the statements of a migration: says how far it is, stops when asked to, and names the statement that failed.
 * @throws MIGRATION_FAILED, PERMISSION_DENIED, INTERRUPTED
 */
export async function executeMigration(db: Kysely<unknown>, execution: Execution, context: RunContext): Promise<void> {
  const { migration, direction, statements, entry } = execution;
  const progress = new Progress(direction, statements.length, context);
  const explained = (work: Promise<unknown>) =>
    work.catch((error) => Promise.reject(explain(error, execution, progress)));
  const send = (statement: string) => sql.raw(statement).execute(db);
  // Only in a transaction does nothing come of what is sent behind a statement that fails.
  if (migration.statements === undefined || !isTransactional(migration)) {
    await explained(migration[direction]!(db.withPlugin(progress.plugin)));
    if (entry !== undefined) await send(entry);
    return;
  }
  // One round trip for all. Whatever fails first is the reason; the others fail because of it.
  const { traffic } = db.getExecutor().adapter as MigrationAdapter;
  const answers = traffic.together(() => [...statements, ...(entry === undefined ? [] : [entry])].map(send));
  for (const answer of answers) answer.catch(() => {});
  for (const [index, answer] of answers.entries()) {
    if (index < statements.length) progress.next();
    await (index < statements.length ? explained(answer) : answer);
  }
  stopIfInterrupted(context);
}

function explain(error: unknown, { name, migration, direction, statements }: Execution, progress: Progress): unknown {
  return migrationFailure(error, {
    name,
    direction,
    statement: progress.done,
    statements,
    transactional: isTransactional(migration),
    source: migration.source,
  });
}

/** Which statement is under way. */
class Progress {
  /** Counted from 1; 0 before the first. */
  done = 0;
  readonly #direction: Direction;
  readonly #total: number;
  readonly #context: RunContext;

  constructor(direction: Direction, total: number, context: RunContext) {
    this.#direction = direction;
    this.#total = total;
    this.#context = context;
  }

  next(): void {
    stopIfInterrupted(this.#context);
    const step = `migrate.${this.#direction}`;
    this.#context.report({ kind: 'progress', step, done: this.done, total: this.#total, unit: 'items' });
    this.done += 1;
  }

  readonly plugin: KyselyPlugin = {
    transformQuery: ({ node }) => {
      this.next();
      return node;
    },
    transformResult: async ({ result }) => result,
  };
}
