import type { Percentile } from '../statistics/percentiles.ts';

export type Verdict = 'pass' | 'fail' | 'inconclusive';

/**
 * Whether a p95 keeps its target. The whole confidence interval must lie on one side, otherwise another run might say
 * the opposite; too few samples decide nothing.
 */
export function judgeLatency(p95: Percentile | undefined, targetMs: number): Verdict {
  if (p95 === undefined) return 'inconclusive';
  if (p95.high < targetMs) return 'pass';
  return p95.low > targetMs ? 'fail' : 'inconclusive';
}

/** One broken promise breaks the run; one that could not be decided leaves it undecided. */
export function worstOf(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('fail')) return 'fail';
  return verdicts.includes('inconclusive') ? 'inconclusive' : 'pass';
}
