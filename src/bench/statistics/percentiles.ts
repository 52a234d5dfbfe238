import { type Confidence, rankInterval } from './rank-interval.ts';

/** Exact percentiles of raw samples. Nothing is averaged, interpolated or put into buckets. */

/** A value with the 95 % confidence interval of its rank; milliseconds here. */
export interface Percentile {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Below these counts a percentile is hardly more than the maximum and is not given. */
export const SAMPLE_FLOORS = Object.freeze({ p50: 20, p90: 100, p95: 200, p99: 1000, p999: 10_000 });

/** The nearest-rank percentile, `x[⌈p·n⌉]` counted from 1. `sorted` ascends and is not empty; 0 < p ≤ 1. */
export function nearestRank(sorted: ArrayLike<number>, p: number): number {
  return sorted[rankOf(p, sorted.length) - 1]!;
}

/**
 * The percentile with the interval of its order statistics (`rankInterval`): it assumes nothing about the shape of the
 * latencies. `undefined` below `floor` samples.
 */
export function percentile(
  sorted: ArrayLike<number>,
  p: number,
  floor: number,
  confidence: Confidence = {},
): Percentile | undefined {
  const count = sorted.length;
  if (count === 0 || count < floor) return undefined;
  const { low, high } = rankInterval(count, p, confidence);
  const rank = rankOf(p, count);
  return {
    value: sorted[rank - 1]!,
    low: sorted[Math.max(1, Math.min(low, rank)) - 1]!,
    high: sorted[Math.min(count, Math.max(high, rank)) - 1]!,
  };
}

/** ⌈p·n⌉, where a product such as 0.07 · 100 = 7.000000000000001 is the 7 that was meant. */
function rankOf(p: number, count: number): number {
  return Math.min(count, Math.max(1, Math.ceil(p * count - 1e-9)));
}
