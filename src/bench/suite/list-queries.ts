import type { Objectives } from '../../config/schema.ts';
import { targetMsOf } from '../judge/assess.ts';
import { type LoadedSuite, loadSuite, type SuiteMember } from './load-suite.ts';
import type { QueryClass, SuiteSources } from './query.ts';

/** A query that a run would time. */
export interface ListedQuery {
  readonly suite: string;
  readonly name: string;
  readonly class: QueryClass;
  /** p95 must lie below, ms. */
  readonly targetMs: number;
  readonly asks: string;
  readonly index: string | null;
}

export interface SuiteList {
  readonly suites: readonly SuiteMember[];
  readonly queries: readonly ListedQuery[];
  /** Statements that would be run once after the rows are loaded. */
  readonly setUp: number;
}

/** What a run with these suites would time, without a server. @throws BENCH_SUITE_INVALID */
export async function listQueries(sources: SuiteSources | undefined, objectives: Objectives): Promise<SuiteList> {
  const loaded: LoadedSuite = await loadSuite(sources);
  const suiteOf = new Map(
    loaded.members.flatMap(({ name, queries }) => queries.map((query) => [query, name] as const)),
  );
  const queries = loaded.queries.map((query) => ({
    suite: suiteOf.get(query.name)!,
    name: query.name,
    class: query.class,
    targetMs: targetMsOf(query, objectives),
    asks: query.asks,
    index: query.index ?? null,
  }));
  return { suites: loaded.members, queries, setUp: loaded.setUp.length };
}
