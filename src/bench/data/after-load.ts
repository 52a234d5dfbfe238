import type { ConnectionSettings } from '../../config/connection.ts';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { codeOf, messageOf, StructdbError } from '../../core/errors.ts';
import { redact } from '../../core/redact.ts';
import { SqlSplitError, splitSql } from '../../core/split-sql.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';

/** One statement of the SQL that is run after loading, and the line in which it begins. */
export interface AfterLoadStatement {
  readonly text: string;
  readonly line: number;
}

/** Read before anything is created. @throws USAGE with the line of what cannot be read */
export function readAfterLoad(sql: string): readonly AfterLoadStatement[] {
  const lineAt = (offset: number) => sql.slice(0, offset).split('\n').length;
  try {
    return splitSql(sql).map(({ text, offset }) => ({ text, line: lineAt(offset) }));
  } catch (error) {
    if (!(error instanceof SqlSplitError)) throw error;
    throw new StructdbError('USAGE', `The SQL to run after loading, line ${lineAt(error.offset)}: ${error.message}.`, {
      cause: error,
    });
  }
}

/** Each for itself, so that an index may be built CONCURRENTLY. @throws SQL_FAILED with the line */
export function runAfterLoad(
  connection: ConnectionSettings,
  statements: readonly AfterLoadStatement[],
  context: RunContext,
): Promise<void> {
  // An index of millions of rows takes its time.
  return withClient(connection, { ...profiles.seed, statementTimeoutMs: 0 }, context, async (client) => {
    for (const { text, line } of statements) {
      stopIfInterrupted(context);
      try {
        await client.query(text);
      } catch (error) {
        const code = codeOf(error);
        if (context.signal.aborted || code === '53100') throw error;
        const message = `The SQL to run after loading, line ${line}: ${redact(messageOf(error))} (SQLSTATE ${code ?? 'unknown'}).`;
        throw new StructdbError('SQL_FAILED', message, {
          cause: error,
          hint: 'Correct it; it runs in the benchmark’s own database, as the owner of its tables.',
        });
      }
    }
  });
}
