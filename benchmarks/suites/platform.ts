import type { Suite } from 'structdb/bench';
import { aggregations } from './aggregations.ts';
import { complexQueries } from './complex.ts';
import { drawParameters, type Parameters } from './parameters.ts';
import { simpleQueries } from './simple.ts';

/** What the platform asks its database all day; together the queries use every index of the schema. */
export const platformSuite: Suite<Parameters> = {
  name: 'platform',
  draw: drawParameters,
  queries: [...simpleQueries, ...complexQueries, ...aggregations],
};
