import type { AgainstResult } from '../../../src/bench/against/result.ts';
import { compareRuns } from '../../../src/bench/compare/compare-runs.ts';
import { growthOf } from '../../../src/bench/growth/growth.ts';
import { assessClasses, assessQuery, assessRates, assessUtilisation } from '../../../src/bench/judge/assess.ts';
import { worstOf } from '../../../src/bench/judge/verdict.ts';
import type { PlanRecord } from '../../../src/bench/plans/plan-record.ts';
import type { BenchReport } from '../../../src/bench/report/report.ts';
import type { Point } from '../../../src/bench/result.ts';
import type { QueryClass, SuiteQuery } from '../../../src/bench/suite/query.ts';
import { configSchema } from '../../../src/config/schema.ts';
import { Random } from '../../../src/sample/index.ts';
import { around, madeEnvironment, madeRun } from '../../support/bench-run.ts';
import { attribute, elementsOf } from '../../support/markup.ts';

const { objectives } = configSchema.parse({});

/** What a query of a report is made of: its median in ms, and how much slower the slowest are. */
export interface Asked {
  readonly name: string;
  readonly class: QueryClass;
  readonly medianMs: number;
  readonly targetMs?: number;
  readonly asks?: string;
}

/** A report of points at these sizes and clients, judged as a run is; the same each time. */
export function reportOfPoints(
  asked: readonly Asked[],
  places: readonly { readonly projects: number; readonly clients: number; readonly samples?: number }[],
): BenchReport {
  const made = places.map((place, stream) => pointOf(asked, place, stream));
  const verdict = worstOf(made.map(({ point }) => point.verdict));
  return {
    result: {
      format: 2,
      id: '20261130T021530Z-9f3a',
      at: '2026-11-30T02:15:30.000Z',
      durationMs: 12_345,
      server: '15.18 (Debian 15.18-0+deb12u1)',
      database: 'structdb_bench_0badcafe',
      suite: { name: 'platform', hash: '0123456789abcdef', queries: asked.length },
      environment: madeEnvironment,
      points: made.map(({ point }) => point),
      complete: true,
      growth: growthOf(
        made.map(({ point }) => point),
        objectives,
      ),
      verdict,
    },
    raw: made.map(({ raw }) => raw),
  };
}

function pointOf(
  asked: readonly Asked[],
  { projects, clients, samples = 500 }: { projects: number; clients: number; samples?: number },
  stream: number,
): { point: Point; raw: NonNullable<BenchReport['raw']>[number] } {
  const grown = (projects / 10_000) ** 0.1 * (clients / 4) ** 0.5;
  const measured = asked.map((query, place) => {
    const random = new Random(place + 1, 40 + stream, 0);
    const latencies = Float64Array.from({ length: samples }, () => {
      const tail = random.between(0, 999) / 1000;
      return query.medianMs * grown * (0.7 + 0.6 * tail + 1.2 * tail ** 20);
    });
    const facts: SuiteQuery<unknown> = {
      name: query.name,
      class: query.class,
      asks: query.asks ?? 'what the platform wants to know',
      index: 'projects_active_idx',
      ...(query.targetMs === undefined ? {} : { targetMs: query.targetMs }),
      build: () => ({ compile: () => ({ sql: '', parameters: [] }) }),
    };
    return {
      query: {
        rates: {
          cacheHitRate: 0.9987,
          blocks: 4000,
          indexUsage: 1,
          serverMs: 0.25,
          runs: samples,
          source: 'pg_stat_statements' as const,
        },
        ...assessQuery(
          facts,
          {
            latencies,
            waits: latencies.map((ms) => ms / 10),
            starts: latencies.map((_, turn) => turn),
            blocks: Uint16Array.from(latencies, (_, turn) => Math.floor((turn * 10) / samples)),
          },
          objectives,
        ),
      },
      raw: { name: query.name, us: Array.from(latencies, (ms) => Math.round(ms * 1000)) },
    };
  });
  const queries = measured.map(({ query }) => query);
  const counters = {
    indexHitRate: 0.9991,
    cacheHitRate: 0.9987,
    indexUsage: 0.994,
    blocks: 812_345,
    scansOfIndex: { projects_active_idx: samples },
    scansOfTable: {},
    reset: false,
  };
  const rates = assessRates(counters, objectives);
  const connections = [10, 30].map((pool) =>
    assessUtilisation({ pool, sessions: pool + 7, slots: 97, utilisation: (pool + 7) / 97 }, objectives),
  );
  const plans = asked.map(planOf);
  const point: Point = {
    data: {
      projects,
      payloads: projects,
      events: 3 * projects,
      seed: 1,
      fingerprint: '0123456789abcdef',
      rowsFingerprint: 'fedcba9876543210',
      reused: false,
    },
    clients,
    workers: 1,
    prepared: true,
    loop: { kind: 'closed' },
    busy: [],
    warmUpRounds: 3,
    furtherRounds: 0,
    complete: true,
    queries,
    throughput: [{ class: 'simple', perSecond: { value: 400 * clients, low: 380 * clients, high: 420 * clients } }],
    classes: assessClasses(queries, objectives).map((each) => ({ ...each, rates: counters })),
    rates,
    counters,
    connections,
    plans,
    access: {
      unusedIndexes: [{ name: 'odd <index>', table: 'projects', bytes: 8192, unique: false }],
      tableScans: [
        {
          name: 'projects',
          rows: 10_000,
          pages: 900,
          scans: 7,
          queries: [{ name: asked[0]!.name, shouldUse: 'projects_active_idx' }],
        },
      ],
    },
    doubts: [],
    verdict: worstOf([...queries, ...rates, ...connections, ...plans].map(({ verdict }) => verdict)),
  };
  return { point, raw: measured.map(({ raw }) => raw) };
}

/** A plan of two nodes; the index of the query that is called so is missed. */
function planOf({ name }: Asked, place: number): PlanRecord {
  const isMissed = name === 'active-board';
  const node = { details: {}, notes: {}, plannedRows: 10, rows: 12, loops: 1, ms: 0.4, hits: 5, reads: 0, inputs: [] };
  const scan = {
    ...node,
    type: isMissed ? 'Seq Scan' : 'Index Scan',
    relation: 'projects',
    details: { Filter: `name = '${name}'` },
  };
  return {
    query: name,
    index: 'projects_active_idx',
    variants: [
      {
        hash: `f00${place}`,
        turns: [0],
        generic: false,
        root: { ...node, type: 'Limit', inputs: [scan] },
        planningMs: 0.2,
        executionMs: 0.5,
      },
    ],
    settings: {},
    missed: isMissed ? 'unused' : null,
    verdict: isMissed ? 'fail' : 'pass',
  };
}

/** Queries of every class and every verdict. */
export const ASKED: readonly Asked[] = [
  { name: 'project-list', class: 'simple', medianMs: 0.9, asks: 'Which projects has a customer?' },
  { name: 'audit-trail', class: 'simple', medianMs: 0.4 },
  { name: 'active-board', class: 'simple', medianMs: 11 },
  { name: 'lightest-shape', class: 'simple', medianMs: 0.6, targetMs: 0.72 },
  { name: 'active-board-with-last-event', class: 'complex', medianMs: 2.1 },
  { name: 'project-dossier', class: 'complex', medianMs: 1.7 },
  { name: 'engineer-activity', class: 'complex', medianMs: 32 },
  { name: 'events-by-kind', class: 'aggregation', medianMs: 8 },
  { name: 'busiest-customers', class: 'aggregation', medianMs: 60 },
];

/** A name in which everything could be markup somewhere. */
export const HOSTILE = '"x" <b>y</b> | `c` & @someone #77';

/** A plan of one node. */
export function madePlan(query: string, type: string, index?: string): PlanRecord {
  const node = { type, relation: 'projects', details: {}, notes: {}, plannedRows: 1, rows: 1, loops: 1, ms: 1 };
  const root = { ...node, ...(index === undefined ? {} : { index }), hits: 1, reads: 0, inputs: [] };
  const variant = { generic: false, hash: type, turns: [0], planningMs: 1, executionMs: 1, root };
  return { query, index: null, variants: [variant], settings: {}, missed: null, verdict: 'pass' };
}

/** Two sides as `structdb bench --against` would have timed them: µs of each sample by query, and their plans. */
export function madeAgainst({
  at = '2026-11-30T02:15:30.000Z',
  old = { slow: around(1000), fast: around(5000), third: around(20_000) },
  young = { slow: around(1500, 11), fast: around(2000), third: around(20_000) },
  plans = [[], []],
  notes = ['main has no benchmarks/young.sql: it is taken as it is now'],
}: {
  readonly at?: string;
  readonly old?: Readonly<Record<string, readonly number[]>>;
  readonly young?: Readonly<Record<string, readonly number[]>>;
  readonly plans?: readonly [readonly PlanRecord[], readonly PlanRecord[]];
  readonly notes?: readonly string[];
} = {}): AgainstResult {
  const { points, verdict, threshold } = compareRuns(
    madeRun({ us: old, plans: plans[0] }),
    madeRun({ us: young, plans: plans[1] }),
  );
  return {
    id: `${at.replace(/[-:]|\.\d+/g, '')}-0001`,
    at,
    durationMs: 12_345,
    suite: 'platform',
    environment: madeEnvironment,
    before: { name: 'main (1a2b3c4d5e)', server: '15.18', commit: '1a2b3c4d5e'.repeat(4), migration: '007_probe' },
    after: { name: 'the project as it is', server: '17.2', commit: null, migration: '008_drop' },
    samples: 100,
    threshold,
    differences: [{ kind: 'server', what: 'setting work_mem', before: '4MB', after: '64MB' }],
    notes,
    points: [points[0]!],
    verdict,
  };
}

/** JUnit cases of the classes that end so, with what became of each. */
export function junitCases(xml: string, className: string): [name: string, outcome: string][] {
  const elements = elementsOf(xml);
  return elements.flatMap(({ name, attributes }, at) => {
    if (name !== 'testcase' || !attribute(attributes, 'classname')?.endsWith(className)) return [];
    const inside = elements[at + 1]?.inside.endsWith('testcase') ? elements[at + 1]!.name : 'passed';
    return [[attribute(attributes, 'name')!, inside === 'system-out' ? 'passed' : inside]];
  });
}
