/** The platform's queries, timed and judged in a database of their own. */
export { judgeBench } from './assess.ts';
export type { HitRates } from './counters.ts';
export type { Verdict } from './judge.ts';
export type { Percentile } from './percentiles.ts';
export type { BenchResult, ClassResult, JudgedRate, JudgedUtilisation, QueryResult } from './result.ts';
export { BENCH_DEFAULTS, type BenchOptions, bench } from './run.ts';
