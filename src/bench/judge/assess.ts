import type { Objectives } from '../../config/schema.ts';
import { StructdbError } from '../../core/errors.ts';
import { formatCount, formatDuration } from '../../core/units.ts';
import { growthLines } from '../growth/growth.ts';
import type { Samples } from '../measure/samples.ts';
import type { HitRates } from '../observe/counters.ts';
import type { Utilisation } from '../observe/utilisation.ts';
import { describeMissed } from '../plans/missed-index.ts';
import { counted, pointName } from '../point-name.ts';
import type { BenchResult, ClassResult, JudgedRate, JudgedUtilisation, Point, QueryResult } from '../result.ts';
import { blockMedians } from '../statistics/blocks.ts';
import { nearestRank } from '../statistics/percentiles.ts';
import { QUERY_CLASSES, type QueryClass, type SuiteQuery } from '../suite/query.ts';
import { Latencies } from './latency.ts';
import { judgeLatency, type Verdict, worstOf } from './verdict.ts';

/** What samples alone tell of a query. */
type Timed = Omit<QueryResult, 'rates'>;

export function assessQuery(query: SuiteQuery<unknown>, samples: Samples, objectives: Objectives): Timed {
  const targetMs = targetMsOf(query, objectives);
  const latencies = new Latencies(samples);
  const { sorted } = latencies;
  const waits = samples.waits.toSorted();
  const p95 = latencies.percentile('p95');
  return {
    name: query.name,
    class: query.class,
    asks: query.asks,
    index: query.index ?? null,
    samples: sorted.length,
    targetMs,
    p50: latencies.percentile('p50'),
    p90: latencies.percentile('p90'),
    p95,
    p99: latencies.percentile('p99'),
    p999: latencies.percentile('p999'),
    max: sorted.at(-1) ?? 0,
    wait: waits.length === 0 ? { p50: 0, p95: 0 } : { p50: nearestRank(waits, 0.5), p95: nearestRank(waits, 0.95) },
    blockMedians: blockMedians(samples),
    verdict: judgeLatency(p95 ?? undefined, targetMs),
  };
}

/** What the p95 of a query must lie below, ms. */
export function targetMsOf(query: SuiteQuery<unknown>, objectives: Objectives): number {
  return query.targetMs ?? targetOf(query.class, objectives);
}

/** A class is as good as its slowest query: an average would hide it. */
export function assessClasses(queries: readonly Timed[], objectives: Objectives): Omit<ClassResult, 'rates'>[] {
  return QUERY_CLASSES.filter((name) => queries.some((query) => query.class === name)).map((name) => {
    const members = queries.filter((query) => query.class === name);
    const slowest = members.toSorted((a, b) => (b.p95?.value ?? 0) - (a.p95?.value ?? 0))[0];
    return {
      class: name,
      targetMs: targetOf(name, objectives),
      slowest: slowest?.p95 ? slowest.name : null,
      p95Ms: slowest?.p95?.value ?? null,
      verdict: worstOf(members.map(({ verdict }) => verdict)),
    };
  });
}

export function assessRates(rates: HitRates, objectives: Objectives): JudgedRate[] {
  return (['indexHitRate', 'cacheHitRate'] as const).map((name) => {
    const value = rates[name];
    const target = objectives[name];
    return { name, value, target, verdict: value === null ? 'inconclusive' : value >= target ? 'pass' : 'fail' };
  });
}

export function assessUtilisation(measured: Utilisation, objectives: Objectives): JudgedUtilisation {
  const target = objectives.connectionUtilisation;
  return { ...measured, target, verdict: measured.utilisation < target ? 'pass' : 'fail' };
}

/** The worst of all that is judged of a point. */
export function pointVerdict({ queries, rates, connections, plans }: Judged): Verdict {
  return worstOf([...queries, ...rates, ...connections, ...plans].map(({ verdict }) => verdict));
}

type Judged = Readonly<Record<'queries' | 'rates' | 'connections' | 'plans', readonly { readonly verdict: Verdict }[]>>;

/** The first of the two gives further rounds more time, too. */
const LONGER = 'Run it again on a quieter machine, or let it go on for longer: --samples 2000 --max-samples 20000.';
/** Of a database that is emptied for each size, so that nothing of the smaller one is left to be timed further. */
const TOGETHER =
  'Run it again without --into, where growth goes on by itself, or with more samples from the start: --samples 4000.';

/** What a command ends with: nothing when every target is met. */
export function judgeBench(result: BenchResult): StructdbError | undefined {
  if (!result.complete) {
    return new StructdbError('INTERRUPTED', 'Interrupted: what was measured until then decides nothing.');
  }
  if (result.verdict === 'pass') return undefined;
  const several = result.points.length > 1;
  const inPoints = result.points.flatMap((point) =>
    openPoints(point, result.verdict).map((line) => (several ? `${pointName(point)}: ${line}` : line)),
  );
  const lines = [...inPoints, ...growthLines(result.growth, result.verdict)];
  return result.verdict === 'fail'
    ? new StructdbError('BENCH_TARGET_MISSED', `${count(lines)} missed.`, {
        details: lines,
        hint: 'Look at the plans of these queries, or change the objectives in structdb.config.ts.',
      })
    : new StructdbError('BENCH_INCONCLUSIVE', `${count(lines)} could not be decided.`, {
        details: lines,
        hint: inPoints.length > 0 || result.growth.furtherRounds !== undefined ? LONGER : TOGETHER,
      });
}

function openPoints({ queries, rates, counters, connections, plans }: Point, verdict: Verdict): string[] {
  return [
    ...queries
      .filter((query) => query.verdict === verdict)
      .map(({ name, p95, samples, targetMs }) =>
        p95
          ? `${name}: p95 ${formatDuration(p95.value)} (${formatDuration(p95.low)} to ${formatDuration(p95.high)}, ${formatCount(samples)} samples), target below ${formatDuration(targetMs)}`
          : `${name}: ${tooFew(samples)}`,
      ),
    ...rates
      .filter((rate) => rate.verdict === verdict)
      .map(({ name, value, target }) =>
        value === null
          ? `${name}: ${counters.reset ? 'the statistics were reset meanwhile' : 'too few blocks were read'}`
          : `${name}: ${value.toFixed(4)}, target at least ${target}`,
      ),
    ...connections
      .filter((measured) => measured.verdict === verdict)
      .map(
        ({ pool, sessions, slots, target }) =>
          `a pool of ${pool}: ${sessions} of ${slots} connections in use, target below ${target * 100} %`,
      ),
    ...plans
      .filter((record) => record.verdict === verdict)
      .map((record) => `${record.query}: plan: ${describeMissed(record)}`),
  ];
}

function count(lines: readonly string[]): string {
  return lines.length === 1 ? '1 target' : `${lines.length} targets`;
}

function targetOf(name: QueryClass, objectives: Objectives): number {
  return { simple: objectives.simpleFilters, complex: objectives.complexQueries, aggregation: objectives.aggregations }[
    name
  ];
}

/** Why there is no p95. */
export function tooFew(samples: number): string {
  return `${counted(samples, 'sample is', 'samples are')} too few for a p95`;
}
