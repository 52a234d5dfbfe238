/** Exact percentiles of raw samples. Nothing is averaged, interpolated or put into buckets. */

/** A value with the 95 % confidence interval of its rank; milliseconds here. */
export interface Percentile {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Below these counts a percentile is hardly more than the maximum and is not given. */
export const SAMPLE_FLOORS = Object.freeze({ p50: 20, p90: 100, p95: 200, p99: 1000, p999: 10_000 });

/** Two-sided 95 % of the normal distribution. */
const Z_95 = 1.96;

/** The nearest-rank percentile, `x[⌈p·n⌉]` counted from 1. `sorted` ascends and is not empty; 0 < p ≤ 1. */
export function nearestRank(sorted: ArrayLike<number>, p: number): number {
  return sorted[rankOf(p, sorted.length) - 1]!;
}

/**
 * The percentile with the interval of its order statistics, `n·p ± 1.96·√(n·p·(1−p))`: it follows from the binomial
 * distribution alone and assumes nothing about the shape of the latencies. `undefined` below `floor` samples.
 */
export function percentile(sorted: ArrayLike<number>, p: number, floor: number): Percentile | undefined {
  const count = sorted.length;
  if (count === 0 || count < floor) return undefined;
  const spread = Z_95 * Math.sqrt(count * p * (1 - p));
  const low = Math.max(1, Math.floor(count * p - spread));
  const high = Math.min(count, Math.ceil(count * p + spread));
  return { value: nearestRank(sorted, p), low: sorted[low - 1]!, high: sorted[high - 1]! };
}

/** ⌈p·n⌉, where a product such as 0.07 · 100 = 7.000000000000001 is the 7 that was meant. */
function rankOf(p: number, count: number): number {
  return Math.min(count, Math.max(1, Math.ceil(p * count - 1e-9)));
}
