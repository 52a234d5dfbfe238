import type { BenchQuery, QueryClass } from '../../benchmarks/suites/platform.ts';
import type { Objectives } from '../config/schema.ts';
import { StructdbError } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';
import type { HitRates } from './counters.ts';
import { judgeLatency, worstOf } from './judge.ts';
import { percentile, SAMPLE_FLOORS } from './percentiles.ts';
import type { BenchResult, ClassResult, JudgedRate, JudgedUtilisation, QueryResult } from './result.ts';
import type { Utilisation } from './utilisation.ts';

export function assessQuery(query: BenchQuery, sorted: Float64Array, objectives: Objectives): QueryResult {
  const targetMs = targetOf(query.class, objectives);
  const p95 = percentile(sorted, 0.95, SAMPLE_FLOORS.p95);
  return {
    name: query.name,
    class: query.class,
    asks: query.asks,
    index: query.index ?? null,
    samples: sorted.length,
    targetMs,
    p50: percentile(sorted, 0.5, SAMPLE_FLOORS.p50)?.value ?? null,
    p90: percentile(sorted, 0.9, SAMPLE_FLOORS.p90)?.value ?? null,
    p95: p95 ?? null,
    p99: percentile(sorted, 0.99, SAMPLE_FLOORS.p99)?.value ?? null,
    max: sorted.at(-1) ?? 0,
    verdict: judgeLatency(p95, targetMs),
  };
}

/** A class is as good as its slowest query: an average would hide it. */
export function assessClasses(queries: readonly QueryResult[], objectives: Objectives): ClassResult[] {
  return (['simple', 'complex', 'aggregation'] as const).map((name) => {
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

/** What a command ends with: nothing when every target is met. */
export function judgeBench(result: BenchResult): StructdbError | undefined {
  if (result.verdict === 'pass') return undefined;
  const lines = openPoints(result, result.verdict);
  return result.verdict === 'fail'
    ? new StructdbError('BENCH_TARGET_MISSED', `${count(lines)} missed.`, {
        details: lines,
        hint: 'Look at the plans of these queries, or change the objectives in structdb.config.ts.',
      })
    : new StructdbError('BENCH_INCONCLUSIVE', `${count(lines)} could not be decided.`, {
        details: lines,
        hint: 'Run it again with more samples (--samples 2000) on a quieter machine.',
      });
}

function openPoints({ queries, rates, connections }: BenchResult, verdict: 'fail' | 'inconclusive'): string[] {
  return [
    ...queries
      .filter((query) => query.verdict === verdict)
      .map(({ name, p95, samples, targetMs }) =>
        p95
          ? `${name}: p95 ${formatDuration(p95.value)} (${formatDuration(p95.low)} to ${formatDuration(p95.high)}), target below ${formatDuration(targetMs)}`
          : `${name}: ${samples} samples are too few for a p95`,
      ),
    ...rates
      .filter((rate) => rate.verdict === verdict)
      .map(({ name, value, target }) =>
        value === null
          ? `${name}: too few blocks were read`
          : `${name}: ${value.toFixed(4)}, target at least ${target}`,
      ),
    ...connections
      .filter((measured) => measured.verdict === verdict)
      .map(
        ({ pool, sessions, slots, target }) =>
          `a pool of ${pool}: ${sessions} of ${slots} connections in use, target below ${target * 100} %`,
      ),
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
