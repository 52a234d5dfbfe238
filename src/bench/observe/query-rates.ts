import { nodesOf } from '../plans/explain.ts';
import type { PlanRecord } from '../plans/plan-record.ts';
import { BLOCK_FLOOR } from './counters.ts';
import type { MeterReading } from './meter.ts';

/** What one query asked of the server. */
export interface QueryRates {
  /** Blocks of tables and indexes found in shared buffers, 0 to 1; null below 1,000 blocks, or after a reset. */
  readonly cacheHitRate: number | null;
  readonly blocks: number;
  /** Index scans among all scans of its plans; null when it scans nothing. */
  readonly indexUsage: number | null;
  /**
   * What the server took for a run, ms on average, without parsing and planning: the rest of a latency is the client's, the
   * way's and the wait for a processor. null where pg_stat_statements did not count.
   */
  readonly serverMs: number | null;
  /** Runs that the blocks were counted in. */
  readonly runs: number;
  /** pg_stat_statements: all timed runs. plan: only the runs under EXPLAIN. */
  readonly source: 'pg_stat_statements' | 'plan';
}

/**
 * The rates of each query, by name. Two queries that the server cannot tell apart (the same statement but for its
 * constants) are told from their plans, as all are where pg_stat_statements does not count.
 */
export function queryRates(
  plans: readonly PlanRecord[],
  queryIds: ReadonlyMap<string, readonly string[]>,
  { statements, statementsReset }: Pick<MeterReading, 'statements' | 'statementsReset'>,
): Map<string, QueryRates> {
  const owners = new Map<string, number>();
  for (const ids of queryIds.values()) for (const id of ids) owners.set(id, (owners.get(id) ?? 0) + 1);
  const counted = (query: string): Blocks | undefined => {
    const ids = queryIds.get(query) ?? [];
    if (typeof statements !== 'object' || ids.length === 0 || ids.some((id) => owners.get(id) !== 1)) return undefined;
    if (statementsReset) return { hits: 0, reads: 0, executionMs: null, runs: 0 };
    const counts = ids.flatMap((id) => statements.get(id) ?? []);
    // A statement that the extension dropped for lack of room begins again at zero.
    if (counts.length === 0 || counts.some(({ calls, hits, reads }) => calls <= 0 || hits < 0 || reads < 0))
      return undefined;
    return counts
      .map(({ calls, hits, reads, executionMs }) => ({ hits, reads, executionMs, runs: calls }))
      .reduce((a, b) => ({
        hits: a.hits + b.hits,
        reads: a.reads + b.reads,
        executionMs: a.executionMs + b.executionMs,
        runs: a.runs + b.runs,
      }));
  };
  return new Map(
    plans.map((record) => {
      const found = counted(record.query);
      const { hits, reads, executionMs, runs } = found ?? ofPlans(record);
      const rates: QueryRates = {
        cacheHitRate: hits + reads < BLOCK_FLOOR ? null : hits / (hits + reads),
        blocks: hits + reads,
        indexUsage: indexUsageOf(record),
        serverMs: executionMs === null ? null : executionMs / runs,
        runs,
        source: found ? 'pg_stat_statements' : 'plan',
      };
      return [record.query, rates];
    }),
  );
}

interface Blocks {
  readonly hits: number;
  readonly reads: number;
  readonly executionMs: number | null;
  readonly runs: number;
}

function ofPlans({ variants }: PlanRecord): Blocks {
  const sum = (name: 'hits' | 'reads') => variants.reduce((total, { root }) => total + root[name], 0);
  return { hits: sum('hits'), reads: sum('reads'), executionMs: null, runs: variants.length };
}

/** Counted as the server counts for a table: each loop is a scan. */
function indexUsageOf({ variants }: PlanRecord): number | null {
  let [byIndex, whole] = [0, 0];
  for (const { type, index, loops } of variants.flatMap(({ root }) => nodesOf(root))) {
    if (index) byIndex += loops;
    else if (type === 'Seq Scan') whole += loops;
  }
  return byIndex + whole === 0 ? null : byIndex / (byIndex + whole);
}
