import { aggregations } from './aggregations.ts';
import { complexQueries } from './complex.ts';
import type { BenchQuery } from './query.ts';
import { simpleQueries } from './simple.ts';

export { drawParameters, type Parameters } from './parameters.ts';
export type { BenchQuery, QueryClass } from './query.ts';

/** What the platform asks its database all day; together the queries use every index of the schema. */
export const platformSuite: readonly BenchQuery[] = [...simpleQueries, ...complexQueries, ...aggregations];
