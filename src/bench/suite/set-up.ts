import type { ConnectionSettings } from '../../config/connection.ts';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { messageOf } from '../../core/errors.ts';
import { asStep } from '../../core/progress.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import type { LoadedSuite } from './load-suite.ts';
import { invalid } from './problem.ts';

/**
 * Runs what a suite wants to have in the benchmark's database besides the sample: once, after the rows are loaded, one
 * statement after the other, each for itself (an index may be built CONCURRENTLY); then tables and plans know of it
 * (VACUUM ANALYZE). Step: `bench.set-up`.
 * @throws BENCH_SUITE_INVALID with the statement that failed, INTERRUPTED, and what connecting throws
 */
export async function setUpSuite(
  { setUp, name }: LoadedSuite,
  connection: ConnectionSettings,
  context: RunContext,
): Promise<void> {
  if (setUp.length === 0) return;
  await asStep(context, 'bench.set-up', `Setting up ${name}`, () =>
    withClient(connection, profiles.seed, context, async (client) => {
      for (const statement of setUp) {
        stopIfInterrupted(context);
        await client.query(statement).catch((error: unknown) => {
          if (context.signal.aborted) throw error;
          throw invalid(
            `setUp of ${name} failed: ${messageOf(error)}, in: ${shortened(statement)}`,
            'Correct it; it runs in the benchmark’s own database, which has the tables of structdb and the sample.',
            error,
          );
        });
      }
      const { rows } = await client.query<{ tables: string | null }>(
        `select string_agg(oid::regclass::text, ', ') as tables from pg_class
         where relkind in ('r', 'm') and relnamespace = any(
           select oid from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'structdb'))`,
      );
      await client.query(`vacuum (analyze) ${rows[0]!.tables}`);
    }),
  );
}

function shortened(statement: string): string {
  const line = statement.replace(/\s+/g, ' ');
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}
