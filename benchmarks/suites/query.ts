import type { SuiteQuery } from 'structdb/bench';
import type { Parameters } from './parameters.ts';

export type { QueryClass } from 'structdb/bench';

/** A query of the platform's suite. */
export type BenchQuery = SuiteQuery<Parameters>;
