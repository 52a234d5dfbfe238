import { StructdbError } from '../core/errors.ts';
import { SqlSplitError, type SqlStatement, splitSql } from '../core/split-sql.ts';
import type { Direction } from './compile.ts';
import { isTransactional, type RegisteredMigration } from './registry.ts';

/** What would end the transaction that a migration runs in, or begin one within it. */
const TRANSACTION_CONTROL = /^(begin|commit|end|abort|rollback(?! to)|start transaction|prepare transaction)/;

export function controlsTransaction({ words }: SqlStatement): boolean {
  return TRANSACTION_CONTROL.test(words.join(' '));
}

/**
 * A COMMIT in the midst would keep what comes before it when the rest fails, and a ROLLBACK would record what was undone.
 * SQL files are looked at when they are read.
 * @throws MIGRATION_FILES_INVALID
 */
export function refuseTransactionControl(
  name: string,
  migration: RegisteredMigration,
  direction: Direction,
  statements: readonly string[],
): void {
  if (!isTransactional(migration) || migration.statements) return;
  const found = statements.flatMap(splitAsFarAsPossible).find(controlsTransaction);
  if (found === undefined) return;
  throw new StructdbError(
    'MIGRATION_FILES_INVALID',
    `${migration.source?.file ?? `Migration ${name}`}: its ${direction} sends ${found.words[0]!.toUpperCase()}, but the migration is one transaction.`,
    { hint: 'Remove that, or give its config transaction: false (in config.down for the way back).' },
  );
}

/** What cannot be split is the server's to refuse. */
function splitAsFarAsPossible(statement: string): SqlStatement[] {
  try {
    return splitSql(statement);
  } catch (error) {
    if (error instanceof SqlSplitError) return [];
    throw error;
  }
}
