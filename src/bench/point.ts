import { availableParallelism } from 'node:os';
import type { ConnectionSettings } from '../config/connection.ts';
import type { Objectives } from '../config/schema.ts';
import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import { asStep } from '../core/progress.ts';
import { formatDuration } from '../core/units.ts';
import type { Database } from '../database/types.ts';
import { createKysely, withClient } from '../postgres/connect.ts';
import { translateDatabaseError } from '../postgres/errors.ts';
import { profiles } from '../postgres/profiles.ts';
import { throughputOf } from './growth/throughput.ts';
import {
  assessClasses,
  assessQuery,
  assessRates,
  assessUtilisation,
  pointVerdict,
  targetMsOf,
} from './judge/assess.ts';
import {
  BUSY_LOOP,
  clientDoubt,
  otherLoadDoubt,
  scheduleDoubts,
  starvedDoubt,
  unsteadyDoubt,
  warmUpDoubt,
} from './judge/doubts.ts';
import { judgeInterim } from './judge/latency.ts';
import { statisticsDoubts } from './judge/statistics-doubts.ts';
import { Crew } from './measure/crew.ts';
import { NO_LAG } from './measure/open-loop.ts';
import { readOnly } from './measure/station.ts';
import { runUntilDecided, TimedRun } from './measure/timed-run.ts';
import { tryQueries } from './measure/try-queries.ts';
import { type WarmUp, warmUp } from './measure/warm-up.ts';
import { findAccess } from './observe/access.ts';
import { Meter } from './observe/meter.ts';
import { type OtherLoad, watchOtherLoad } from './observe/other-load.ts';
import { queryRates } from './observe/query-rates.ts';
import { measureUtilisation, type Utilisation } from './observe/utilisation.ts';
import { capturePlans } from './plans/capture.ts';
import type { DataFacts, LoopFacts, Point } from './result.ts';
import { type RawSamples, rawSamples } from './store/raw-samples.ts';
import type { Suite } from './suite/query.ts';

/** What createDatabase opens when nothing is said, and three applications of that kind. */
const POOLS = [10, 30] as const;
/** A warm-up of heavy queries must not last longer than what it is for. */
const WARM_UP_MS = 30_000;
/** Of the time that is left, where it is limited: for a warm-up, then for the first samples, then for further ones. */
const WARM_UP_SHARE = 0.25;
const TIMED_SHARE = 0.6;
const FURTHER_SHARE = 0.8;
/** A request of an open loop that comes while another is worked on waits: the loops must be idle most of the time. */
const BUSY_BY_SCHEDULE = 0.4;
/** Further rounds may take so much longer than the first samples took, and this long at least. */
const FURTHER_TIMES = 4;
const FURTHER_LEAST_MS = 30_000;

export interface PointOptions {
  /** Filled and vacuumed. */
  readonly workspace: ConnectionSettings;
  readonly suite: Suite;
  readonly data: DataFacts;
  readonly clients: number;
  /** Timed runs of each query. */
  readonly samples: number;
  /** Of a query that these leave undecided. */
  readonly maxSamples: number;
  /** Requests per second of an open loop; null for a closed loop. */
  readonly ratePerSecond: number | null;
  /** Whether statements that come again are prepared. */
  readonly prepare: boolean;
  /** Event loops; null: as many as the warm-up shows to be needed. */
  readonly workers: number | null;
  /** For all of it; the figures are what there is then. */
  readonly limitMs: number;
  readonly objectives: Objectives;
  /** Is given every sample, before they are judged. */
  readonly keep?: (raw: readonly RawSamples[]) => void;
}

/**
 * Measures and judges the suite at one size and one concurrency. Interrupted while queries are timed, it gives what it has.
 * @throws BENCH_QUERY_FAILED, BENCH_QUERY_WRITES before anything is timed
 */
export async function measurePoint(options: PointOptions, context: RunContext): Promise<Point> {
  try {
    return await measure(options, context);
  } catch (error) {
    throw translateDatabaseError(error, options.workspace);
  }
}

async function measure(options: PointOptions, context: RunContext): Promise<Point> {
  const { workspace, suite, data, samples, ratePerSecond, prepare, objectives } = options;
  const { queries: asked } = suite;
  const { signal } = context;
  const began = context.clock.monotonicMs();
  const left = () => Math.max(0, options.limitMs - (context.clock.monotonicMs() - began));
  const parameters = await drawAndTry(suite, workspace, context);
  const [crew, warm] = await asStep(context, 'bench.warm-up', 'Warming up', () =>
    openWarmCrew({ ...options, parameters }, Math.min(WARM_UP_MS, left() * WARM_UP_SHARE), context),
  );
  try {
    stopIfInterrupted(context);
    const {
      records: plans,
      queryIds,
      facts,
    } = await capturePlans({ connection: workspace, queries: asked, parameters, prepare }, context);
    const run = new TimedRun({
      ...{ crew, queries: asked, samples, seed: data.seed, ratePerSecond, signal },
      onProgress: (done) =>
        context.report({ kind: 'progress', step: 'bench.run', done, total: samples * asked.length, unit: 'items' }),
    });
    const message = timingMessage(options);
    const observed = await asStep(context, 'bench.run', message, () =>
      // Not ended by Ctrl-C: it reads the counters of what was measured until then.
      withClient(workspace, profiles.probe, unstoppable, async (observer) => {
        const meter = await Meter.start({
          observer,
          drain: () => crew.drain(),
          queryIds: [...queryIds.values()].flat(),
        });
        const charge = (phase: string) => meter.charge(phase);
        const other = await watching(workspace, () => run.main(left() * TIMED_SHARE, charge));
        return { reading: await meter.finish(), other };
      }),
    );
    const furtherRounds = await decide(run, options, left, context);
    options.keep?.(asked.map(({ name }, place) => rawSamples(name, run.of(place))));
    const { total: counters, parts } = observed.reading;
    const ratesOf = queryRates(plans, queryIds, observed.reading);
    const queries = asked.map((query, place) => ({
      ...assessQuery(query, run.of(place), objectives),
      rates: ratesOf.get(query.name)!,
    }));
    const classes = assessClasses(queries, objectives);
    const rates = assessRates(counters, objectives);
    const utilisations = await fillPools(options, parameters, context);
    const connections = utilisations.map((each) => assessUtilisation(each, objectives));
    const { workers } = crew;
    const busy = run.busy();
    const processors = availableParallelism();
    return {
      data,
      clients: crew.clients,
      workers,
      prepared: prepare,
      loop: loopFacts(run, ratePerSecond),
      busy,
      warmUpRounds: warm.rounds,
      queries,
      throughput:
        ratePerSecond === null
          ? throughputOf(
              asked,
              asked.map((_, place) => run.of(place)),
            )
          : [],
      classes: classes.map((each) => ({ ...each, rates: parts.get(each.class) ?? null })),
      rates,
      counters,
      access: findAccess(counters, facts, plans),
      connections,
      plans,
      doubts: [
        ...warmUpDoubt(warm),
        ...clientDoubt(busy, workers, processors),
        ...scheduleDoubts(run.lag, ratePerSecond, { workers, processors }),
        ...starvedDoubt(busy),
        ...otherLoadDoubt(observed.other),
        ...statisticsDoubts(observed.reading),
        ...unsteadyDoubt(asked.map(({ name }, place) => ({ name, samples: run.of(place) }))),
      ],
      furtherRounds,
      complete: !signal.aborted,
      verdict: pointVerdict({ queries, rates, connections, plans }),
    };
  } finally {
    await crew.close();
  }
}

const unstoppable = { signal: new AbortController().signal };

/** What else the server did while `work` ran, seen through a connection of its own. */
function watching(workspace: ConnectionSettings, work: () => Promise<void>): Promise<OtherLoad> {
  return withClient(workspace, profiles.probe, unstoppable, async (observer) => {
    const watch = watchOtherLoad(observer, workspace.database);
    try {
      await work();
    } finally {
      await watch.stop().catch(() => {});
    }
    return watch.stop();
  });
}

/** The values that the suite asks for, after every query has been run once. */
async function drawAndTry(suite: Suite, workspace: ConnectionSettings, context: RunContext): Promise<unknown> {
  const db = await createKysely<Database>(readOnly(workspace), profiles.bench, { max: 1 });
  try {
    const parameters = await suite.draw(db);
    await tryQueries({ db, queries: suite.queries, parameters, clients: 1 }, context);
    return parameters;
  } finally {
    await db.destroy();
  }
}

/** Warm, and with as many event loops as it was told to have, or as the warm-up shows to be needed. */
async function openWarmCrew(
  options: PointOptions & { readonly parameters: unknown },
  limitMs: number,
  context: RunContext,
): Promise<readonly [Crew, WarmUp]> {
  const { workspace: connection, suite, parameters, clients, prepare, workers, ratePerSecond } = options;
  const most = Math.min(availableParallelism(), clients);
  for (let count = workers === null ? 1 : Math.min(workers, clients); ; count = Math.min(most, count * 2)) {
    const crew = await Crew.open({ connection, suite, parameters, clients, prepare, workers: count });
    try {
      const warm = await warmUp(crew, suite.queries, limitMs, context.signal);
      // A closed loop asks as much as it can; how busy a schedule will keep the loops, its rate says.
      const busy = ratePerSecond === null ? warm.busy : (warm.loopMsPerRequest * ratePerSecond) / 1000 / count;
      const busiest = ratePerSecond === null ? BUSY_LOOP : BUSY_BY_SCHEDULE;
      const isEnough = workers !== null || count >= most || busy <= busiest || context.signal.aborted;
      if (isEnough) return [crew, warm];
    } catch (error) {
      await crew.close();
      throw error;
    }
    await crew.close();
  }
}

/** Lets the queries that the first samples leave undecided run further. Gives the rounds. */
async function decide(
  run: TimedRun,
  { suite, samples, maxSamples, objectives }: PointOptions,
  left: () => number,
  context: RunContext,
): Promise<number> {
  const { queries } = suite;
  const { signal } = context;
  const isDecided = (place: number) =>
    judgeInterim(run.of(place), targetMsOf(queries[place]!, objectives)) !== 'inconclusive';
  const undecided = queries.filter((_, place) => !isDecided(place));
  if (undecided.length === 0 || maxSamples <= samples || signal.aborted) return 0;
  const limitMs = Math.min(left() * FURTHER_SHARE, Math.max(FURTHER_LEAST_MS, run.runningMs * FURTHER_TIMES));
  const message = `Timing further what is undecided: ${undecided.map(({ name }) => name).join(', ')}`;
  return asStep(context, 'bench.further', message, () =>
    runUntilDecided(run, { queries, samples, signal }, { mostSamples: maxSamples, limitMs, isDecided }),
  );
}

/** None when it is interrupted: what was timed is worth more than these. */
async function fillPools(
  { workspace, suite, prepare }: PointOptions,
  parameters: unknown,
  context: RunContext,
): Promise<readonly Utilisation[]> {
  if (context.signal.aborted) return [];
  try {
    return await asStep(context, 'bench.connections', `Filling pools of ${POOLS.join(' and ')}`, async () => {
      const load = { queries: suite.queries, parameters };
      const found = [];
      for (const size of POOLS) found.push(await measureUtilisation(workspace, load, { pool: size, prepare }, context));
      return found;
    });
  } catch (error) {
    if (context.signal.aborted) return [];
    throw error;
  }
}

function timingMessage({ suite, samples, clients, ratePerSecond }: PointOptions): string {
  const what = `Timing ${suite.queries.length} queries, ${samples} times each`;
  if (ratePerSecond === null) return `${what}, from ${clients} clients`;
  const takes = formatDuration(((samples * suite.queries.length) / ratePerSecond) * 1000);
  return `${what}, at ${ratePerSecond} per second: ${takes}`;
}

function loopFacts(run: TimedRun, ratePerSecond: number | null): LoopFacts {
  if (ratePerSecond === null) return { kind: 'closed' };
  const { requests, late, lateByClient, sumMs, maxMs, mostQueued, notBegun } = run.lag ?? NO_LAG;
  const meanLagMs = requests === 0 ? 0 : sumMs / requests;
  return {
    kind: 'open',
    ratePerSecond,
    requests,
    late,
    lateByClient,
    meanLagMs,
    maxLagMs: maxMs,
    mostQueued,
    notBegun,
  };
}
