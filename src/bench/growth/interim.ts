import { targetMsOf } from '../judge/assess.ts';
import { judgeInterim, Latencies } from '../judge/latency.ts';
import type { Verdict } from '../judge/verdict.ts';
import type { MeasuredPoint } from '../measured-point.ts';
import { growthTargetOf, judgeRatio } from './growth.ts';
import { ratioOf } from './power-fit.ts';
import type { End } from './rounds.ts';

/** The smallest and the largest size at one number of clients. */
export type Ends = Readonly<Record<End, MeasuredPoint>>;

export const END_NAMES = Object.freeze(['smallest', 'largest'] as const);

/** Samples that there are of a query. */
export function countOf({ run }: MeasuredPoint, place: number): number {
  return run.of(place).latencies.length;
}

/** Whether more samples of a query may follow. */
export function hasRoom(point: MeasuredPoint, place: number): boolean {
  return countOf(point, place) < point.options.maxSamples;
}

/**
 * Whether the samples decide how a query grew, at a look after which more of them may follow: as of latencies, 99 % are
 * asked for. Queries whose growth is not judged are decided.
 */
export function judgeGrowthInterim({ smallest, largest }: Ends, place: number): Verdict {
  const { suite, objectives, data } = largest.options;
  const ratioOfSizes = data.projects / smallest.options.data.projects;
  const target = growthTargetOf(suite.queries[place]!.class, ratioOfSizes, objectives);
  if (target === null) return 'pass';
  const [below, above] = [smallest, largest].map(({ run }) => new Latencies(run.of(place)).percentile('p50'));
  return judgeRatio(below && above ? (ratioOf(above, below, 0.99) ?? null) : null, target);
}

/**
 * Whether a query of which growth wanted more samples needs no more. They are another look at its latencies, too: where
 * more may follow these may not end with less than such a look asks for, or the looks would err more often than is said.
 */
export function isSettled(ends: Ends, place: number): boolean {
  const isLatencyDecided = ({ options, run }: MeasuredPoint) =>
    judgeInterim(run.of(place), targetMsOf(options.suite.queries[place]!, options.objectives)) !== 'inconclusive';
  return (
    judgeGrowthInterim(ends, place) !== 'inconclusive' &&
    END_NAMES.every((end) => !hasRoom(ends[end], place) || isLatencyDecided(ends[end]))
  );
}
