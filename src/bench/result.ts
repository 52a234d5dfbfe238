import type { QueryClass } from '../../benchmarks/suites/platform.ts';
import type { LoadedSample } from '../database/load-sample.ts';
import type { HitRates } from './counters.ts';
import type { Verdict } from './judge.ts';
import type { Percentile } from './percentiles.ts';
import type { Utilisation } from './utilisation.ts';

/** Latencies in milliseconds; a percentile is null when the samples are too few for it. */
export interface QueryResult {
  readonly name: string;
  readonly class: QueryClass;
  readonly asks: string;
  /** The index that serves it. */
  readonly index: string | null;
  readonly samples: number;
  readonly targetMs: number;
  readonly p50: number | null;
  readonly p90: number | null;
  /** With the 95 % confidence interval of its rank. */
  readonly p95: Percentile | null;
  readonly p99: number | null;
  readonly max: number;
  readonly verdict: Verdict;
}

export interface ClassResult {
  readonly class: QueryClass;
  readonly targetMs: number;
  /** The slowest query of the class, by p95; null when there is no p95. */
  readonly slowest: string | null;
  readonly p95Ms: number | null;
  readonly verdict: Verdict;
}

export interface JudgedRate {
  readonly name: 'indexHitRate' | 'cacheHitRate';
  readonly value: number | null;
  /** At least. */
  readonly target: number;
  readonly verdict: Verdict;
}

export interface JudgedUtilisation extends Utilisation {
  /** Below. */
  readonly target: number;
  readonly verdict: Verdict;
}

export interface BenchResult {
  readonly server: string;
  readonly database: string;
  readonly sample: LoadedSample;
  readonly clients: number;
  readonly warmUpRounds: number;
  readonly queries: readonly QueryResult[];
  readonly classes: readonly ClassResult[];
  readonly rates: readonly JudgedRate[];
  readonly counters: HitRates;
  readonly connections: readonly JudgedUtilisation[];
  readonly verdict: Verdict;
}
