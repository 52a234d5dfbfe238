import { formatBytes, formatCount, formatDuration } from '../../core/units.ts';
import type { BenchEnvironment } from '../environment.ts';
import { judgeBench } from '../judge/assess.ts';
import type { Verdict } from '../judge/verdict.ts';
import type { LargeTableScan } from '../observe/access.ts';
import { counted } from '../point-name.ts';
import type { BenchResult, DataFacts, Growth, JudgedRate, QueryGrowth, QueryResult } from '../result.ts';
import { type Percentile, SAMPLE_FLOORS } from '../statistics/percentiles.ts';
import { QUERY_CLASSES, type QueryClass } from '../suite/query.ts';

/** The words of all reports: what the screen says, the page and the comment say too. */
export const VERDICT_WORDS: Readonly<Record<Verdict, string>> = Object.freeze({
  pass: 'met',
  fail: 'missed',
  inconclusive: 'undecided',
});

export const CLASS_WORDS: Readonly<Record<QueryClass, string>> = Object.freeze({
  simple: 'Simple filters',
  complex: 'Complex queries',
  aggregation: 'Aggregations',
});

export const RATE_WORDS: Readonly<Record<JudgedRate['name'], string>> = Object.freeze({
  indexHitRate: 'index hit rate',
  cacheHitRate: 'cache hit rate',
});

/** `99.4 %`; `n/a` where too little was counted for a rate. */
export function percent(value: number | null): string {
  return value === null ? 'n/a' : `${(value * 100).toFixed(1)} %`;
}

/** `1.8 ms`, or `n/a` below the floor of samples. */
export function latency(percentile: Percentile | null): string {
  return percentile === null ? 'n/a' : formatDuration(percentile.value);
}

/** `1.7 ms to 2.0 ms`: the 95 % confidence interval. */
export function interval({ low, high }: Percentile): string {
  return `${formatDuration(low)} to ${formatDuration(high)}`;
}

/** One query in a sentence: what is told of it where a picture stands, and with its case in JUnit. */
export function inWords({ p50, p95, p99, samples, targetMs, verdict }: QueryResult): string {
  const upper = p95
    ? `p95 ${latency(p95)} (95 % interval ${interval(p95)})`
    : `p95 n/a: ${counted(samples, 'sample')}, ${SAMPLE_FLOORS.p95} are needed`;
  return `p50 ${latency(p50)}, ${upper}, p99 ${latency(p99)}, target below ${formatDuration(targetMs)}: ${VERDICT_WORDS[verdict]}`;
}

/** The query of each class that took the server longest, on average; those whose time was counted. */
export function slowestInServer(
  queries: readonly QueryResult[],
): { readonly class: QueryClass; readonly name: string; readonly serverMs: number }[] {
  return QUERY_CLASSES.flatMap((group) => {
    const counted = queries.flatMap(({ class: own, name, rates: { serverMs } }) =>
      own === group && serverMs !== null ? [{ class: own, name, serverMs }] : [],
    );
    return counted.toSorted((a, b) => b.serverMs - a.serverMs).slice(0, 1);
  });
}

/** Queries that are judged alike, in the order of the classes; those with a target of their own stand apart. */
export function targetGroups(
  queries: readonly QueryResult[],
): { readonly class: QueryClass; readonly targetMs: number; readonly queries: readonly QueryResult[] }[] {
  return QUERY_CLASSES.flatMap((name) => {
    const members = Map.groupBy(
      queries.filter((query) => query.class === name),
      ({ targetMs }) => targetMs,
    );
    return [...members].map(([targetMs, own]) => ({ class: name, targetMs, queries: own }));
  });
}

export interface Headline {
  /** `Met`, `Missed`, `Undecided`, `Incomplete`. */
  readonly word: string;
  /** Nothing that was interrupted is good. */
  readonly verdict: Verdict;
  readonly sentence: string;
  /** What was missed or could not be decided, one line each. */
  readonly lines: readonly string[];
}

/** What a run came to. */
export function headline(result: BenchResult): Headline {
  const error = judgeBench(result);
  if (error === undefined) {
    return { word: 'Met', verdict: 'pass', sentence: `Every target is met: ${whatWasJudged(result)}.`, lines: [] };
  }
  const said = { sentence: error.message, lines: error.details };
  if (!result.complete) return { word: 'Incomplete', verdict: 'inconclusive', ...said };
  return { word: result.verdict === 'fail' ? 'Missed' : 'Undecided', verdict: result.verdict, ...said };
}

function whatWasJudged({ points }: BenchResult): string {
  const [first] = points;
  if (first === undefined) return 'nothing was measured';
  const parts = [
    counted(first.queries.length, 'query', 'queries'),
    counted(first.rates.length, 'hit rate'),
    counted(first.connections.length, 'pool'),
  ];
  return points.length === 1 ? parts.join(', ') : `${parts.join(', ')} at each of ${points.length} points`;
}

/** Something that grows along a sweep: the median of a query, or the throughput of a class. */
export interface Grown extends Pick<QueryGrowth, 'name' | 'at' | 'ratio' | 'exponent' | 'target' | 'verdict'> {
  readonly steps: readonly { readonly size: number }[];
}

/** What grows along one of the sweeps, in words. */
export interface GrowthWords {
  readonly title: string;
  /** What a ratio of 2 means: twice as slow, twice the answers. */
  readonly measure: 'slower' | 'answers';
  readonly growths: readonly Grown[];
  /** `10,000 to 1,000,000 projects, 4 clients` */
  readonly along: (growth: Grown) => string;
  /** How it came to be decided; empty where there is nothing to say. */
  readonly note: string;
}

/** The sweeps that were measured, data first. */
export function growthWords({ withData, withClients, throughput, furtherRounds = 0 }: Growth): GrowthWords[] {
  const range = ({ steps }: Grown) => `${formatCount(steps[0]!.size)} to ${formatCount(steps.at(-1)!.size)}`;
  const overClients = (growth: Grown) => `${range(growth)} clients, ${counted(growth.at, 'project')}`;
  const all: GrowthWords[] = [
    {
      title: 'Growth with the data',
      measure: 'slower',
      growths: withData,
      along: (growth) => `${range(growth)} projects, ${counted(growth.at, 'client')}`,
      note:
        furtherRounds === 0
          ? ''
          : `After ${counted(furtherRounds, 'further round')} at the smallest and the largest size.`,
    },
    { title: 'Growth with concurrency', measure: 'slower', growths: withClients, along: overClients, note: '' },
    {
      title: 'Throughput with concurrency',
      measure: 'answers',
      growths: throughput.map((each) => ({ ...each, name: CLASS_WORDS[each.class], target: null, verdict: null })),
      along: overClients,
      note: '',
    },
  ];
  return all.filter(({ growths }) => growths.length > 0);
}

/** `1,234 a second (1,190 to 1,260)`: what a class got answered. */
export function rate({ value, low, high }: Percentile): string {
  const round = (each: number) => formatCount(Math.round(each));
  return `${round(value)} a second (${round(low)} to ${round(high)})`;
}

/** `1.32 × (1.28 to 1.36)`; `n/a` where a median is missing. */
export function factor(ratio: Percentile | null, unit = ' ×'): string {
  return ratio === null
    ? 'n/a'
    : `${ratio.value.toFixed(2)}${unit} (${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)})`;
}

/** A large table that was read whole, how often and by which queries. */
export function tableScan({ name, rows, scans, queries }: LargeTableScan): string {
  const by = queries.map((query) =>
    query.shouldUse === null ? query.name : `${query.name} (should use ${query.shouldUse})`,
  );
  const who = by.length === 0 ? 'by no plan that was looked at' : `by ${by.join(', ')}`;
  return `${name}, ${counted(rows, 'row')}, ${scans === 1 ? 'once' : `${formatCount(scans)} times`} ${who}`;
}

/** `10,000 payloads, 30,000 events, seed 1` */
export function dataWords({ payloads, events, seed }: DataFacts): string {
  return `${counted(payloads, 'payload')}, ${counted(events, 'event')}, seed ${seed}`;
}

/** Where it was measured, by what it is called. */
export function environmentFacts({
  host,
  node,
  structdb,
  server,
  commit,
}: BenchEnvironment): (readonly [string, string])[] {
  return [
    ['Server', `PostgreSQL ${server.version}, ${server.local ? 'on the same host' : 'on another host'}`],
    ['Processor', `${host.cpu}, ${counted(host.cores, 'core')}`],
    ['Memory', formatBytes(host.memoryBytes)],
    ['System', `${host.system}, ${host.release}`],
    ['Node', node],
    ['structdb', structdb],
    ...(commit === null
      ? []
      : [['Commit', `${commit.hash.slice(0, 12)}${commit.changed ? ', with changes' : ''}`] as const]),
  ];
}
