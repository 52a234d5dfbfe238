import type { Comparison } from '../compare/comparison.ts';
import type { BenchResult } from '../result.ts';

/** A comparison with a baseline, or why there is none. */
export type Compared = Comparison | { readonly refused: string };

/** What is rendered: a result, and the samples behind it where they are known. */
export interface BenchReport {
  readonly result: BenchResult;
  /** For each point of the result, in its order, the samples of its queries. Without them no distribution is drawn. */
  readonly raw?: readonly (readonly QuerySamples[])[] | undefined;
  /** Where it was compared with a baseline. */
  readonly comparison?: Compared | undefined;
}

/** Every latency of one query. */
export interface QuerySamples {
  readonly name: string;
  /** Whole microseconds, in any order. */
  readonly us: readonly number[];
}
