import * as z from 'zod';
import { QUERY_CLASSES } from '../suite/query.ts';

/**
 * What a reader relies on of a stored result (../result.ts): a file that somebody altered ends with one line, and not where
 * it is rendered. What else a newer structdb adds is kept.
 */
export const text = z.string();
export const number = z.number();
export const count = z.number().min(0);
/** Latencies are drawn on a logarithmic axis. */
export const ms = z.number().min(0).max(1e9);
export const share = z.number().min(0).max(1);
export const verdict = z.enum(['pass', 'fail', 'inconclusive']);
export const queryClass = z.enum(QUERY_CLASSES);
const texts = z.record(text, text);
const counts = z.record(text, count);

const percentile = z.looseObject({ value: number, low: number, high: number });
const latency = z.looseObject({ value: ms, low: ms, high: ms });

const planNode = z.looseObject({
  type: text,
  relation: text.optional(),
  alias: text.optional(),
  index: text.optional(),
  join: text.optional(),
  strategy: text.optional(),
  partial: text.optional(),
  role: text.optional(),
  details: texts,
  notes: texts,
  plannedRows: number,
  rows: number,
  loops: number,
  ms: number,
  hits: number,
  reads: number,
  get inputs() {
    return z.array(planNode);
  },
});

export const planRecord = z.looseObject({
  query: text,
  index: text.nullable(),
  variants: z.array(
    z.looseObject({
      hash: text,
      turns: z.array(count),
      generic: z.boolean().default(false),
      root: planNode,
      planningMs: number,
      executionMs: number,
    }),
  ),
  settings: texts,
  missed: z.enum(['absent', 'invalid', 'unused', 'small table']).nullable(),
  verdict,
});

const rates = z.looseObject({
  indexHitRate: share.nullable(),
  cacheHitRate: share.nullable(),
  indexUsage: share.nullable(),
  blocks: count,
  scansOfIndex: counts,
  scansOfTable: counts,
  reset: z.boolean(),
});

const query = z.looseObject({
  name: text,
  class: queryClass,
  asks: text,
  index: text.nullable(),
  samples: count,
  targetMs: ms.min(0.001),
  p50: latency.nullable(),
  p90: latency.nullable(),
  p95: latency.nullable(),
  p99: latency.nullable(),
  p999: latency.nullable(),
  max: ms,
  wait: z.looseObject({ p50: ms, p95: ms }),
  blockMedians: z.array(ms),
  rates: z.looseObject({
    cacheHitRate: share.nullable(),
    blocks: count,
    indexUsage: share.nullable(),
    serverMs: ms.nullable().default(null),
    runs: count,
    source: z.enum(['pg_stat_statements', 'plan']),
  }),
  verdict,
});

const loop = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('closed') }),
  z.looseObject({
    kind: z.literal('open'),
    ratePerSecond: count,
    requests: count,
    late: count,
    lateByClient: count,
    meanLagMs: count,
    maxLagMs: count,
    mostQueued: count,
    notBegun: count,
  }),
]);

export const point = z.looseObject({
  data: z.looseObject({
    projects: count,
    payloads: count,
    events: count,
    seed: number,
    fingerprint: text,
    rowsFingerprint: text,
    reused: z.boolean(),
  }),
  clients: count,
  workers: count,
  prepared: z.boolean().default(false),
  loop,
  busy: z.array(z.looseObject({ phase: text, processorMs: number })),
  warmUpRounds: count,
  queries: z.array(query),
  classes: z.array(
    z.looseObject({
      class: queryClass,
      targetMs: ms,
      slowest: text.nullable(),
      p95Ms: ms.nullable(),
      rates: rates.nullable(),
      verdict,
    }),
  ),
  throughput: z.array(z.looseObject({ class: queryClass, perSecond: percentile })),
  rates: z.array(
    z.looseObject({
      name: z.enum(['indexHitRate', 'cacheHitRate']),
      value: share.nullable(),
      target: share,
      verdict,
    }),
  ),
  counters: rates,
  access: z
    .looseObject({
      unusedIndexes: z.array(z.looseObject({ name: text, table: text, unique: z.boolean() })),
      tableScans: z.array(
        z.looseObject({
          name: text,
          rows: count,
          scans: count,
          queries: z.array(z.looseObject({ name: text, shouldUse: text.nullable() })),
        }),
      ),
    })
    .nullable(),
  connections: z.array(
    z.looseObject({ pool: count, sessions: count, slots: count, utilisation: count, target: share, verdict }),
  ),
  plans: z.array(planRecord),
  doubts: z.array(z.looseObject({ kind: text, message: text })),
  furtherRounds: count,
  complete: z.boolean(),
  verdict,
});

const growth = z.looseObject({
  name: text,
  class: queryClass,
  at: count,
  steps: z.array(z.looseObject({ size: count, p50: latency.nullable() })).min(1),
  exponent: percentile.nullable(),
  ratio: percentile.nullable(),
  target: number.nullable(),
  verdict: verdict.nullable(),
});

const way = z.looseObject({ samples: count, p50Ms: ms, p95Ms: ms.nullable(), perSecond: count }).nullable();

/** `BenchResult`, as it is read from a file. */
export const storedResult = z.looseObject({
  id: text,
  at: z.iso.datetime(),
  durationMs: count,
  server: text,
  database: text,
  suite: z.looseObject({ name: text, hash: text, queries: count }),
  environment: z.looseObject({
    host: z.looseObject({ cpu: text, cores: count, memoryBytes: count, system: text, release: text }),
    node: text,
    structdb: text,
    server: z.looseObject({ version: text, local: z.boolean(), settings: texts, settingsHash: text }),
    commit: z.looseObject({ hash: text, changed: z.boolean() }).nullable(),
    statements: texts,
  }),
  points: z.array(point),
  sideBySide: z
    .looseObject({
      clients: count,
      pgbenchVersion: text.nullable(),
      queries: z.array(
        z.looseObject({
          name: text,
          class: queryClass,
          ways: z.looseObject({
            kysely: way,
            kyselyPrepared: way.default(null),
            pg: way,
            pgPrepared: way,
            pgbench: way,
          }),
        }),
      ),
      notes: z.array(text),
    })
    .optional(),
  complete: z.boolean(),
  growth: z.looseObject({
    withData: z.array(growth),
    withClients: z.array(growth),
    throughput: z.array(
      z.looseObject({
        class: queryClass,
        at: count,
        steps: z.array(z.looseObject({ size: count, perSecond: percentile })).min(1),
        exponent: percentile,
        ratio: percentile,
      }),
    ),
    furtherRounds: count.optional(),
  }),
  verdict,
});
