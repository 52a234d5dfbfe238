import type { BenchEnvironment } from './environment.ts';
import type { Verdict } from './judge/verdict.ts';
import type { BusyPhase } from './measure/timed-run.ts';
import type { AccessFindings } from './observe/access.ts';
import type { HitRates } from './observe/counters.ts';
import type { QueryRates } from './observe/query-rates.ts';
import type { Utilisation } from './observe/utilisation.ts';
import type { PlanRecord } from './plans/plan-record.ts';
import type { SideBySide } from './side-by-side/side-by-side.ts';
import type { Percentile } from './statistics/percentiles.ts';
import type { SuiteFacts } from './suite/load-suite.ts';
import type { QueryClass } from './suite/query.ts';

/** Latencies in milliseconds; a percentile is null when the samples are too few for it. */
export interface QueryResult {
  readonly name: string;
  readonly class: QueryClass;
  readonly asks: string;
  /** The index that serves it. */
  readonly index: string | null;
  readonly samples: number;
  readonly targetMs: number;
  readonly p50: Percentile | null;
  readonly p90: Percentile | null;
  /** With the 95 % confidence interval of its rank, as all percentiles. */
  readonly p95: Percentile | null;
  readonly p99: Percentile | null;
  readonly p999: Percentile | null;
  readonly max: number;
  /** Waiting for a connection of the pool, in ms: the median and p95 of all samples; part of the latencies above. */
  readonly wait: { readonly p50: number; readonly p95: number };
  /** Of each block of the run, in the order of time, ms: what two runs are compared by. */
  readonly blockMedians: readonly number[];
  readonly rates: QueryRates;
  readonly verdict: Verdict;
}

export interface ClassResult {
  readonly class: QueryClass;
  readonly targetMs: number;
  /** The slowest query of the class, by p95; null when there is no p95. */
  readonly slowest: string | null;
  readonly p95Ms: number | null;
  /** Of the time in which this class alone ran; null when classes ran together. */
  readonly rates: HitRates | null;
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

/** The rows that were asked. */
export interface DataFacts {
  readonly projects: number;
  readonly payloads: number;
  readonly events: number;
  readonly seed: number;
  /** Of schema, catalogs, generator, seed, size and SQL after loading: data with the same is the same. */
  readonly fingerprint: string;
  /** Of catalogs, generator, seed and size alone: the same rows, under whatever schema. */
  readonly rowsFingerprint: string;
  /** The database was kept by an earlier run. */
  readonly reused: boolean;
}

/** Something that makes the figures less sure, told with them: another load, a client at its limit, statistics reset. */
export interface Doubt {
  readonly kind: string;
  readonly message: string;
}

/** How requests came. */
export type LoopFacts =
  /** Each client asks again when it has its answer: while an answer is slow nobody else asks, so that waiting is left out. */
  | { readonly kind: 'closed' }
  /** Requests came by a schedule, and latencies count from it. Times in ms. */
  | {
      readonly kind: 'open';
      readonly ratePerSecond: number;
      readonly requests: number;
      /** Began more than a millisecond after their time; those among them that found a connection free. */
      readonly late: number;
      readonly lateByClient: number;
      readonly meanLagMs: number;
      readonly maxLagMs: number;
      /** Most that waited for a connection at once. */
      readonly mostQueued: number;
      /** Their time had come, but no connection was free before the run was stopped. */
      readonly notBegun: number;
    };

/** What a class of queries got answered, all its clients together. */
export interface ClassThroughput {
  readonly class: QueryClass;
  readonly perSecond: Percentile;
}

/** One size of the data at one concurrency. */
export interface Point {
  readonly data: DataFacts;
  readonly clients: number;
  /** Event loops, each in a thread of its own, that shared the clients. */
  readonly workers: number;
  /** Statements that came again were prepared; plans are those of prepared statements. */
  readonly prepared: boolean;
  readonly loop: LoopFacts;
  /** How busy they were, kind of query by kind of query. */
  readonly busy: readonly BusyPhase[];
  readonly warmUpRounds: number;
  readonly queries: readonly QueryResult[];
  readonly classes: readonly ClassResult[];
  /** In a closed loop; an open one has its rate. */
  readonly throughput: readonly ClassThroughput[];
  readonly rates: readonly JudgedRate[];
  readonly counters: HitRates;
  /** null when the statistics were reset during the run. */
  readonly access: AccessFindings | null;
  readonly connections: readonly JudgedUtilisation[];
  /** A record per query. */
  readonly plans: readonly PlanRecord[];
  readonly doubts: readonly Doubt[];
  /** Rounds in which queries that were undecided ran further. */
  readonly furtherRounds: number;
  /** False when it was interrupted: then fewer samples than were asked for, and no connections were counted. */
  readonly complete: boolean;
  readonly verdict: Verdict;
}

/** How the median latency of a query grows along one sweep, the other held fixed. */
export interface QueryGrowth {
  readonly name: string;
  readonly class: QueryClass;
  /** What is held fixed: the clients where data grows, the projects where clients grow. */
  readonly at: number;
  /** Ascending. `size` is projects, or clients; the median is null when the samples are too few for it. */
  readonly steps: readonly { readonly size: number; readonly p50: Percentile | null }[];
  /** Of `latency ~ size^exponent`, with its 95 % interval: 0 no growth, 1 proportional. Null without all medians. */
  readonly exponent: Percentile | null;
  /** The median at the largest size over that at the smallest, with its 95 % interval. */
  readonly ratio: Percentile | null;
  /** The ratio may be at most this: simple queries, where data grows. */
  readonly target: number | null;
  readonly verdict: Verdict | null;
}

/** How the throughput of a class grows with the clients. */
export interface ThroughputGrowth {
  readonly class: QueryClass;
  /** Projects. */
  readonly at: number;
  /** Ascending. `size` is clients. */
  readonly steps: readonly { readonly size: number; readonly perSecond: Percentile }[];
  /** 1: twice the clients, twice the answers; 0: the server or the client is at its limit. */
  readonly exponent: Percentile;
  readonly ratio: Percentile;
}

/** Empty lists where nothing was swept. */
export interface Growth {
  /** With the number of projects, at each number of clients. */
  readonly withData: readonly QueryGrowth[];
  /** With the number of clients, at each size of the data. Nothing here is judged. */
  readonly withClients: readonly QueryGrowth[];
  /** Of closed loops, at each size of the data. */
  readonly throughput: readonly ThroughputGrowth[];
  /**
   * Rounds in which queries whose growth with the data was undecided ran further, at all numbers of clients together.
   * Absent where they could not: one size, a database of the caller's, or interrupted before the last size.
   */
  readonly furtherRounds?: number;
}

/** One run. What is stored, printed with `--json`, compared and rendered again. */
export interface BenchResult {
  /** Of this structure; raised when a reader of the old one would be misled. */
  readonly format: 2;
  /** Sorts by time: `20261130T021530Z-9f3a`. */
  readonly id: string;
  /** When it began, UTC. */
  readonly at: string;
  readonly durationMs: number;
  readonly server: string;
  /** Where the first size was measured. */
  readonly database: string;
  readonly suite: SuiteFacts;
  readonly environment: BenchEnvironment;
  /** Sizes times concurrencies, in the order they were measured. */
  readonly points: readonly Point[];
  /** Only of a run that was asked for it; at the first point's size and clients. */
  readonly sideBySide?: SideBySide;
  /** False when it was interrupted: what had been measured until then. */
  readonly complete: boolean;
  readonly growth: Growth;
  readonly verdict: Verdict;
}
