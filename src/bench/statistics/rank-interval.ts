/** How sure an interval is to hold the percentile. */
export interface Confidence {
  /** 0.95 by default; half of the rest on each side. */
  readonly level?: number;
  /** The design effect of the samples (`designEffect`), 1 when they do not depend on each other. */
  readonly effect?: number;
}

/** Ranks counted from 1. A `low` below 1 or a `high` above the count: the samples give no bound on that side. */
export interface RankInterval {
  readonly low: number;
  readonly high: number;
}

/** Probabilities below this share of the largest are none. */
const NOTHING = 1e-18;

/**
 * Between which order statistics the percentile `p` of what was sampled lies. How many of `count` samples are below it
 * follows the binomial distribution, whatever the shape of the samples, so that both tails are added up exactly (David and
 * Nagaraja, Order Statistics, 3rd ed., §7.1). Samples that depend on each other say less than as many that do not: their
 * ranks are moved apart by the root of the design effect.
 */
export function rankInterval(count: number, p: number, { level = 0.95, effect = 1 }: Confidence = {}): RankInterval {
  const tail = (1 - level) / 2;
  const { first, weights, total } = binomialWeights(count, p);
  // The largest rank that at most `tail` of all such samples would have above the percentile: P(B < low) ≤ tail.
  let low = first;
  for (let sum = weights[0]!; sum <= tail * total && low - first + 1 < weights.length; sum += weights[low - first]!) {
    low += 1;
  }
  // The smallest that at most as many would have below it: P(B ≥ high) ≤ tail.
  const last = first + weights.length - 1;
  let high = last + 1;
  for (let sum = weights.at(-1)!; sum <= tail * total && high > first + 1; sum += weights[high - 1 - first]!) high -= 1;
  const middle = count * p;
  const apart = Math.sqrt(Math.max(1, effect));
  return { low: Math.floor(middle - (middle - low) * apart), high: Math.ceil(middle + (high - middle) * apart) };
}

/** P(B = first), P(B = first + 1), … up to a factor `total`, from the mode on outwards: no factorial is needed. */
function binomialWeights(count: number, p: number): { first: number; weights: number[]; total: number } {
  const odds = p / (1 - p);
  const mode = Math.min(count, Math.floor((count + 1) * p));
  const below: number[] = [];
  for (let k = mode, weight = 1; k > 0; k -= 1) {
    weight *= k / ((count - k + 1) * odds);
    if (weight < NOTHING) break;
    below.push(weight);
  }
  const weights = [...below.reverse(), 1];
  for (let k = mode, weight = 1; k < count; k += 1) {
    weight *= ((count - k) * odds) / (k + 1);
    if (weight < NOTHING) break;
    weights.push(weight);
  }
  return { first: mode - below.length, weights, total: weights.reduce((sum, weight) => sum + weight, 0) };
}
