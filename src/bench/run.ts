import { Kysely, PostgresDialect } from 'kysely';
import { drawParameters, platformSuite } from '../../benchmarks/suites/platform.ts';
import type { ConnectionSettings } from '../config/connection.ts';
import type { Objectives } from '../config/schema.ts';
import type { RunContext } from '../core/context.ts';
import { asStep } from '../core/progress.ts';
import type { LoadedSample } from '../database/load-sample.ts';
import type { Database } from '../database/types.ts';
import { createPool, withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { requireSupportedServer } from '../postgres/server-version.ts';
import { defaultSample } from '../sample/index.ts';
import { assessClasses, assessQuery, assessRates, assessUtilisation } from './assess.ts';
import { drain, hitRates, readCounters } from './counters.ts';
import { worstOf } from './judge.ts';
import { runByClass, warmUp } from './load.ts';
import { prepare } from './prepare.ts';
import type { BenchResult } from './result.ts';
import { measureUtilisation } from './utilisation.ts';
import { withWorkspace } from './workspace.ts';

export interface BenchOptions {
  readonly connection: ConnectionSettings;
  readonly objectives: Objectives;
  /** An empty database of the caller's on the same server; emptied again. Without it a new one is created and dropped. */
  readonly into?: string;
  readonly projects?: number;
  readonly seed?: number;
  /** Sessions that query at the same time. */
  readonly clients?: number;
  /** Timed runs of each query. */
  readonly samples?: number;
}

export const BENCH_DEFAULTS = Object.freeze({ ...defaultSample, clients: 4, samples: 500 });
/** What createDatabase opens when nothing is said, and three applications of that kind. */
const POOLS = [10, 30] as const;

/**
 * Times the platform's queries in a database of their own and judges them by the objectives. Steps: `bench.warm-up`,
 * `bench.run`, `bench.connections`, and those of migrate, catalog and sample.
 * @throws PERMISSION_DENIED, TARGET_NOT_EMPTY, LOCKED, SERVER_TOO_OLD, INTERRUPTED, and what connecting throws. A missed
 * target is no error here: `judgeBench` makes one of it.
 */
export async function bench(options: Readonly<BenchOptions>, context: RunContext): Promise<BenchResult> {
  const { projects, seed } = { ...BENCH_DEFAULTS, ...options };
  const server = await withClient(options.connection, profiles.probe, context, async (client) => {
    await requireSupportedServer(client);
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    return rows[0]!.server_version;
  });
  return withWorkspace(options.connection, options.into, context, async (workspace) => {
    const sample = await prepare(workspace, { projects, seed }, context);
    return measure(workspace, { ...options, server, sample }, context);
  });
}

async function measure(
  workspace: ConnectionSettings,
  options: BenchOptions & { readonly server: string; readonly sample: LoadedSample },
  context: RunContext,
): Promise<BenchResult> {
  const { clients, samples, seed } = { ...BENCH_DEFAULTS, ...options };
  const { objectives, server, sample } = options;
  const pool = await createPool(workspace, profiles.bench, { max: clients });
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  try {
    const load = { db, suite: platformSuite, parameters: await drawParameters(db), clients };
    const warmUpRounds = await asStep(context, 'bench.warm-up', 'Warming up', () => warmUp(load, context));
    const [latencies, counters] = await asStep(
      context,
      'bench.run',
      `Timing ${platformSuite.length} queries, ${samples} times each, from ${clients} clients`,
      () =>
        withClient(workspace, profiles.probe, context, async (observer) => {
          await drain(pool, clients);
          const before = await readCounters(observer);
          const sorted = await runByClass(load, { turns: samples, seed }, context);
          await drain(pool, clients);
          return [sorted, hitRates(before, await readCounters(observer))] as const;
        }),
    );
    const measured = await asStep(context, 'bench.connections', `Filling pools of ${POOLS.join(' and ')}`, async () => {
      const found = [];
      for (const size of POOLS) found.push(await measureUtilisation(workspace, load, size, context));
      return found;
    });
    const queries = platformSuite.map((query) => assessQuery(query, latencies.get(query)!, objectives));
    const rates = assessRates(counters, objectives);
    const connections = measured.map((each) => assessUtilisation(each, objectives));
    return {
      server,
      database: workspace.database,
      sample,
      clients,
      warmUpRounds,
      queries,
      classes: assessClasses(queries, objectives),
      rates,
      counters,
      connections,
      verdict: worstOf([...queries, ...rates, ...connections].map(({ verdict }) => verdict)),
    };
  } finally {
    await db.destroy();
  }
}
