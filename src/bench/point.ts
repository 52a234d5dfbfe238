import { availableParallelism } from 'node:os';
import type { ConnectionSettings } from '../config/connection.ts';
import { type RunContext, stopIfInterrupted, unstoppable } from '../core/context.ts';
import { asStep } from '../core/progress.ts';
import { formatDuration } from '../core/units.ts';
import { withClient } from '../postgres/connect.ts';
import { translateDatabaseError } from '../postgres/errors.ts';
import { profiles } from '../postgres/profiles.ts';
import { targetMsOf } from './judge/assess.ts';
import { judgeInterim } from './judge/latency.ts';
import { askingAlone } from './measure/asking-alone.ts';
import { Crew } from './measure/crew.ts';
import { needsMoreLoops } from './measure/loops-needed.ts';
import { furtherLimitMs, runUntilDecided, TimedRun } from './measure/timed-run.ts';
import { tryQueries } from './measure/try-queries.ts';
import { type WarmUp, warmUp } from './measure/warm-up.ts';
import type { MeasuredPoint, PointOptions } from './measured-point.ts';
import { Meter } from './observe/meter.ts';
import { type OtherLoad, watchOtherLoad } from './observe/other-load.ts';
import { measureUtilisation, type Utilisation } from './observe/utilisation.ts';
import { capturePlans } from './plans/capture.ts';
import type { Suite } from './suite/query.ts';

/** What createDatabase opens when nothing is said, and three applications of that kind. */
const POOLS = [10, 30] as const;
/** A warm-up of heavy queries must not last longer than what it is for. */
const WARM_UP_MS = 30_000;
/** Of the time that is left, where it is limited: for a warm-up, then for the first samples, then for further ones. */
const WARM_UP_SHARE = 0.25;
const TIMED_SHARE = 0.6;
const FURTHER_SHARE = 0.8;

/**
 * Measures the suite at one size and one concurrency. Interrupted while queries are timed, it gives what it has. What it
 * gives is judged by `assessPoint`.
 * @throws BENCH_QUERY_FAILED, BENCH_QUERY_WRITES before anything is timed
 */
export async function measurePoint(options: PointOptions, context: RunContext): Promise<MeasuredPoint> {
  try {
    return await measure(options, context);
  } catch (error) {
    throw translateDatabaseError(error, options.workspace);
  }
}

async function measure(options: PointOptions, context: RunContext): Promise<MeasuredPoint> {
  const { workspace, suite, data, samples, ratePerSecond, prepare } = options;
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
      onProgress: (done) => {
        const total = samples * asked.length;
        // Further rounds are steps of their own.
        if (done <= total) context.report({ kind: 'progress', step: 'bench.run', done, total, unit: 'items' });
      },
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
    const utilisations = await fillPools(options, parameters, context);
    const { workers } = crew;
    const complete = !signal.aborted;
    const seen = { plans, queryIds, facts, ...observed, utilisations };
    return { options, parameters, workers, warm, run, ...seen, furtherRounds, complete };
  } finally {
    await crew.close();
  }
}

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
  return askingAlone(workspace, context, async (db) => {
    const parameters = await suite.draw(db);
    await tryQueries({ db, queries: suite.queries, parameters, clients: 1 }, context);
    return parameters;
  });
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
      const isEnough =
        workers !== null || count >= most || !needsMoreLoops(warm, ratePerSecond, count) || context.signal.aborted;
      if (isEnough) return [crew, warm];
    } catch (error) {
      await crew.close();
      throw error;
    }
    await crew.close();
  }
}

/** Asks a measured point anew, after others were measured: warm for some of its queries, which alone will run on. */
export async function reopenCrew(
  { options, parameters, workers }: MeasuredPoint,
  places: readonly number[],
  limitMs: number,
  { signal }: Pick<RunContext, 'signal'>,
): Promise<Crew> {
  const { workspace: connection, suite, clients, prepare } = options;
  const crew = await Crew.open({ connection, suite, parameters, clients, prepare, workers });
  try {
    await warmUp(crew, suite.queries, Math.min(WARM_UP_MS, limitMs), signal, places);
    return crew;
  } catch (error) {
    await crew.close();
    throw error;
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
  const limitMs = Math.min(left() * FURTHER_SHARE, furtherLimitMs(run.mainMs));
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
