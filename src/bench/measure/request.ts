import { CompiledQuery, type Kysely } from 'kysely';
import { codeOf, messageOf, StructdbError } from '../../core/errors.ts';
import { redact } from '../../core/redact.ts';
import type { Database } from '../../database/types.ts';
import { isConnectionLoss } from '../../postgres/errors.ts';
import type { Suite, SuiteQuery } from '../suite/query.ts';

/** What is run, and through what. */
export interface Load {
  readonly db: Kysely<Database>;
  readonly queries: readonly SuiteQuery<unknown>[];
  /** What the suite drew. */
  readonly parameters: Awaited<ReturnType<Suite['draw']>>;
  readonly clients: number;
}

/**
 * One request as an application makes it: builds the query, waits for a connection, runs it, reads the rows. `connected`
 * is called when the connection is there.
 * @throws BENCH_QUERY_FAILED, BENCH_QUERY_WRITES, naming the query
 */
export async function request(load: Load, place: number, turn: number, connected: () => void): Promise<void> {
  const { db, queries, parameters } = load;
  const query = queries[place]!;
  try {
    const statement = query.build(db, parameters, turn).compile();
    await db.connection().execute(async (connection) => {
      connected();
      await connection.executeQuery(CompiledQuery.raw(statement.sql, [...statement.parameters]));
    });
  } catch (error) {
    throw queryFailure(query.name, turn, error);
  }
}

const READ_ONLY = '25006';

/** What went wrong with a query, in words that name it. A lost connection is not its fault. */
function queryFailure(name: string, turn: number, error: unknown): unknown {
  if (error instanceof StructdbError || isConnectionLoss(error)) return error;
  const code = codeOf(error);
  const message = redact(messageOf(error));
  if (code === READ_ONLY) {
    return new StructdbError('BENCH_QUERY_WRITES', `The query "${name}" writes: ${message} (SQLSTATE ${code}).`, {
      cause: error,
      hint: 'A suite only reads, so that each run finds the same rows: take the query out, or ask with a plain SELECT for the rows it would change.',
    });
  }
  const { detail, hint } = error as { detail?: string; hint?: string };
  const fromServer = code !== undefined && /^[0-9A-Z]{5}$/.test(code);
  return new StructdbError(
    'BENCH_QUERY_FAILED',
    `The query "${name}" failed in turn ${turn}: ${message}${fromServer ? ` (SQLSTATE ${code})` : ''}.`,
    {
      cause: error,
      details: detail ? [redact(detail)] : [],
      hint:
        code === '57014' ? 'A query may take 30 s.' : (hint ?? 'Mend it in the suite, then run the benchmark again.'),
    },
  );
}
