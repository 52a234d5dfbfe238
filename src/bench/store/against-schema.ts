import * as z from 'zod';
import {
  count,
  ms,
  number,
  planRecord,
  point,
  queryClass,
  share,
  storedResult,
  text,
  verdict,
} from './result-schema.ts';

/** What a reader relies on of a stored result of two sides (../against/result.ts), as ./result-schema.ts says it of a run. */
const side = z.looseObject({ name: text, server: text, commit: text.nullable(), migration: text.nullable() });

const measured = z.looseObject({ medianMs: ms, samples: count, blocks: count });

const comparedQuery = z.looseObject({
  name: text,
  class: queryClass,
  before: measured,
  after: measured,
  deltaMs: number,
  ratio: count,
  p: share,
  effect: number,
  change: z.enum(['slower', 'slightly-slower', 'same', 'slightly-faster', 'faster', 'undecided']),
  why: text.nullable(),
});

const planVariant = planRecord.shape.variants.element;

const comparedPlan = z.looseObject({
  query: text,
  turns: z.array(count),
  before: planVariant,
  after: planVariant,
  lines: z.array(z.looseObject({ mark: z.enum([' ', '-', '+']), text })),
  settings: z.array(z.looseObject({ name: text, before: text.nullable(), after: text.nullable() })),
  otherAccess: z.boolean(),
});

const comparedPoint = z.looseObject({
  title: text,
  data: point.shape.data,
  clients: count,
  queries: z.array(comparedQuery).min(1),
  added: z.array(text),
  removed: z.array(text),
  plans: z.array(comparedPlan),
});

/** `AgainstResult`, as it is read from a file. */
export const storedAgainst = z.looseObject({
  id: text,
  at: z.iso.datetime(),
  durationMs: count,
  suite: text,
  environment: storedResult.shape.environment,
  before: side,
  after: side,
  samples: count,
  threshold: count,
  differences: z.array(z.looseObject({ what: text, before: text, after: text })),
  notes: z.array(text),
  points: z.tuple([comparedPoint]),
  verdict,
});
