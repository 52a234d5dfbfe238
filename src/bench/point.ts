import { Kysely, PostgresDialect } from 'kysely';
import type { ConnectionSettings } from '../config/connection.ts';
import type { Objectives } from '../config/schema.ts';
import type { RunContext } from '../core/context.ts';
import { asStep } from '../core/progress.ts';
import type { Database } from '../database/types.ts';
import { createPool, withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { assessClasses, assessQuery, assessRates, assessUtilisation } from './judge/assess.ts';
import { worstOf } from './judge/verdict.ts';
import { runByClass } from './measure/closed-loop.ts';
import { warmUp } from './measure/warm-up.ts';
import { drain, hitRates, readCounters } from './observe/counters.ts';
import { measureUtilisation } from './observe/utilisation.ts';
import type { DataFacts, Point } from './result.ts';
import type { Suite } from './suite/query.ts';

/** What createDatabase opens when nothing is said, and three applications of that kind. */
const POOLS = [10, 30] as const;

export interface PointOptions {
  /** Filled and vacuumed. */
  readonly workspace: ConnectionSettings;
  readonly suite: Suite;
  readonly data: DataFacts;
  readonly clients: number;
  /** Timed runs of each query. */
  readonly samples: number;
  readonly objectives: Objectives;
}

/** Measures and judges the suite at one size and one concurrency. */
export async function measurePoint(options: PointOptions, context: RunContext): Promise<Point> {
  const { workspace, suite, data, clients, samples, objectives } = options;
  const { queries: asked } = suite;
  const pool = await createPool(workspace, profiles.bench, { max: clients });
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  try {
    const load = { db, queries: asked, parameters: await suite.draw(db), clients };
    const warmUpRounds = await asStep(context, 'bench.warm-up', 'Warming up', () => warmUp(load, context));
    const [measured, counters] = await asStep(
      context,
      'bench.run',
      `Timing ${asked.length} queries, ${samples} times each, from ${clients} clients`,
      () =>
        withClient(workspace, profiles.probe, context, async (observer) => {
          await drain(pool, clients);
          const before = await readCounters(observer);
          const found = await runByClass(load, { turns: samples, seed: data.seed }, context);
          await drain(pool, clients);
          return [found, hitRates(before, await readCounters(observer))] as const;
        }),
    );
    const utilisations = await asStep(
      context,
      'bench.connections',
      `Filling pools of ${POOLS.join(' and ')}`,
      async () => {
        const found = [];
        for (const size of POOLS) found.push(await measureUtilisation(workspace, load, size, context));
        return found;
      },
    );
    const queries = asked.map((query) => assessQuery(query, measured.get(query)!, objectives));
    const rates = assessRates(counters, objectives);
    const connections = utilisations.map((each) => assessUtilisation(each, objectives));
    return {
      data,
      clients,
      warmUpRounds,
      queries,
      classes: assessClasses(queries, objectives),
      rates,
      counters,
      connections,
      doubts: [],
      verdict: worstOf([...queries, ...rates, ...connections].map(({ verdict }) => verdict)),
    };
  } finally {
    await db.destroy();
  }
}
