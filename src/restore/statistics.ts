import type pg from 'pg';
import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import { codeOf, messageOf } from '../core/errors.ts';

/**
 * Gathers the statistics of the planner. The rows are whole and compared by then, so a table that cannot be looked at (one
 * with a foreign partition whose server is not in reach, an index on a function that fails) is told of and left without.
 */
export async function gatherStatistics(client: pg.Client, context: RunContext): Promise<void> {
  try {
    await client.query('analyze');
  } catch (error) {
    if (!isOfOneTable(error)) throw error;
    // It stopped there: the other tables are still without.
    await gatherOneByOne(client, context);
  }
}

async function gatherOneByOne(client: pg.Client, context: RunContext): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1`,
  );
  for (const { name } of rows) {
    stopIfInterrupted(context);
    try {
      await client.query(`analyze ${name}`);
    } catch (error) {
      if (!isOfOneTable(error)) throw error;
      context.report({
        kind: 'warning',
        message: `The planner has no statistics of ${name}: ${messageOf(error)}`,
        hint: `Its rows are there. When what is missing is in reach: ANALYZE ${name}`,
      });
    }
  }
}

/** Classes of SQLSTATE: no resources, an operator's intervention (PostgreSQL manual, appendix A). */
const SERVERS_OWN = /^(53|57)/;

/** A SQLSTATE, for a lost connection has none; 08 is what postgres_fdw says of a foreign server that is away. */
function isOfOneTable(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !SERVERS_OWN.test(code);
}
