import type { Samples } from '../measure/samples.ts';
import { designEffect } from '../statistics/blocks.ts';
import { nearestRank, type Percentile, percentile, SAMPLE_FLOORS } from '../statistics/percentiles.ts';
import { judgeLatency, type Verdict } from './verdict.ts';

/** Of a look after which more samples may follow; the last look has 0.95. */
const INTERIM_LEVEL = 0.99;

/** The percentiles of one query, with intervals that know how much its blocks differ. */
export class Latencies {
  readonly #samples: Samples;
  readonly sorted: Float64Array;

  constructor(samples: Samples) {
    this.#samples = samples;
    this.sorted = samples.latencies.toSorted();
  }

  /** Null below the floor. */
  percentile(name: keyof typeof SAMPLE_FLOORS, level = 0.95): Percentile | null {
    const p = name === 'p999' ? 0.999 : Number(name.slice(1)) / 100;
    const { sorted } = this;
    if (sorted.length < SAMPLE_FLOORS[name]) return null;
    const effect = designEffect(this.#samples, nearestRank(sorted, p));
    return percentile(sorted, p, SAMPLE_FLOORS[name], { level, effect }) ?? null;
  }
}

/**
 * Whether the samples decide, at a look after which more of them may follow. Whoever looks often errs often: these looks
 * ask for 99 % intervals. A run that looks at n, 2n, 4n, 8n and, finally with 95 %, 10n samples is wrong about a p95 that
 * equals its target in at most 4 × 0.5 % + 2.5 % = 4.5 % of all cases on either side.
 */
export function judgeInterim(samples: Samples, targetMs: number): Verdict {
  return judgeLatency(new Latencies(samples).percentile('p95', INTERIM_LEVEL) ?? undefined, targetMs);
}
