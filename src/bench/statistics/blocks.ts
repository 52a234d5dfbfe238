import { nearestRank } from './percentiles.ts';

/** A sample of each of several stretches of time: what happens now and then falls on some of them and not on others. */
export interface Blocked {
  readonly latencies: ArrayLike<number>;
  /** The block of each sample; ascending. */
  readonly blocks: ArrayLike<number>;
}

/** Fewer blocks say nothing about how blocks differ. */
const LEAST_BLOCKS = 5;

/** The median of each block, in the order of time. */
export function blockMedians(samples: Blocked): number[] {
  return [...byBlock(samples).values()].map((latencies) => nearestRank(Float64Array.from(latencies).sort(), 0.5));
}

/**
 * By how much the share of samples above `threshold` varies more from block to block than it would if no sample depended
 * on another: Pearson's χ² of the blocks over its degrees of freedom, the design effect of a cluster sample (Kish, Survey
 * Sampling, §5.4). 1 for independent samples, below that by chance only, so at least 1 here.
 */
export function designEffect(samples: Blocked, threshold: number): number {
  const groups = [...byBlock(samples).values()];
  const count = samples.latencies.length;
  const share = groups.reduce((sum, group) => sum + above(group, threshold), 0) / count;
  if (groups.length < LEAST_BLOCKS || share === 0 || share === 1) return 1;
  const chiSquare = groups.reduce((sum, group) => {
    const expected = group.length * share;
    return sum + (above(group, threshold) - expected) ** 2 / (expected * (1 - share));
  }, 0);
  return Math.max(1, chiSquare / (groups.length - 1));
}

function above(values: readonly number[], threshold: number): number {
  let found = 0;
  for (const value of values) if (value > threshold) found += 1;
  return found;
}

function byBlock({ latencies, blocks }: Blocked): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (let place = 0; place < latencies.length; place += 1) {
    const group = groups.get(blocks[place]!);
    if (group) group.push(latencies[place]!);
    else groups.set(blocks[place]!, [latencies[place]!]);
  }
  return groups;
}
