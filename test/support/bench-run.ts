import type { BenchEnvironment, BenchResult, RawSamples, StoredRun } from '../../src/bench/index.ts';
import type { PlanRecord } from '../../src/bench/plans/plan-record.ts';

export const madeEnvironment: BenchEnvironment = {
  host: { cpu: 'A Processor', cores: 2, memoryBytes: 8 * 1024 ** 3, system: 'linux x64', release: '6.1.0' },
  node: '24.11.0',
  structdb: '0.1.0',
  server: { version: '15.18', local: true, settings: { work_mem: '4MB' }, settingsHash: 'a' },
  commit: null,
  statements: { first: 'f', second: 's', third: 't' },
};

export interface MadeRun {
  readonly at?: string;
  readonly environment?: BenchEnvironment;
  /** µs of each sample by query, in ten blocks. */
  readonly us?: Readonly<Record<string, readonly number[]>>;
  readonly seed?: number;
  readonly schema?: string;
  readonly reused?: boolean;
  readonly plans?: readonly PlanRecord[];
}

/** A run as `structdb bench` would store it, of three queries, with invented latencies. */
export function madeRun({
  at = '2026-11-30T02:15:30Z',
  environment = madeEnvironment,
  us,
  seed = 1,
  schema = 'd',
  reused = false,
  plans = [],
}: MadeRun = {}): StoredRun {
  const samples = us ?? { first: around(1000), second: around(5000), third: around(20_000) };
  const raw = Object.entries(samples).map(
    ([name, all]): RawSamples => ({
      name,
      us: all,
      blocks: Array.from({ length: 10 }, (_, place) => Math.floor((place * all.length) / 10)),
    }),
  );
  const queries = raw.map(({ name, us: all }) => ({
    name,
    class: 'simple' as const,
    asks: 'something',
    index: null,
    samples: all.length,
    targetMs: 100,
    p50: null,
    p90: null,
    p95: null,
    p99: null,
    p999: null,
    max: Math.max(...all) / 1000,
    wait: { p50: 0, p95: 0 },
    blockMedians: [],
    rates: { cacheHitRate: null, blocks: 0, indexUsage: null, serverMs: null, runs: 0, source: 'plan' as const },
    verdict: 'pass' as const,
  }));
  const result: BenchResult = {
    format: 2,
    id: `${at.replace(/[-:]/g, '')}-0001`,
    at,
    durationMs: 1000,
    server: environment.server.version,
    database: 'structdb_bench_0',
    suite: { name: 'platform', hash: 'h', queries: raw.length },
    environment,
    points: [
      {
        data: { projects: 10, payloads: 10, events: 30, seed, fingerprint: schema, rowsFingerprint: 'r', reused },
        clients: 4,
        workers: 1,
        prepared: true,
        busy: [],
        loop: { kind: 'closed' },
        complete: true,
        warmUpRounds: 1,
        queries,
        classes: [],
        throughput: [],
        rates: [],
        counters: {
          indexHitRate: null,
          cacheHitRate: null,
          indexUsage: null,
          blocks: 0,
          scansOfIndex: {},
          scansOfTable: {},
          reset: false,
        },
        access: null,
        connections: [],
        plans,
        doubts: [],
        furtherRounds: 0,
        verdict: 'pass',
      },
    ],
    complete: true,
    growth: { withData: [], withClients: [], throughput: [] },
    verdict: 'pass',
  };
  return { result, raw: [raw] };
}

/** A hundred latencies within 2 % of a middle, by no chance. */
export function around(middle: number, step = 7): number[] {
  return Array.from({ length: 100 }, (_, place) => Math.round(middle * (0.98 + 0.04 * (((place * step) % 101) / 100))));
}
