import { describe, expect, it } from '@jest/globals';
import { Chalk } from 'chalk';
import type { BenchResult, Point } from '../../src/bench/index.ts';
import { judgeBench, pointVerdict } from '../../src/bench/judge/assess.ts';
import { renderFindings } from '../../src/cli/bench-findings-text.ts';
import { rawNode, recordOf, variantOf } from './plans/plan-nodes.ts';

const plan = variantOf(
  rawNode('Seq Scan', { 'Relation Name': 'projects', Filter: "(projects.created_by = 'ada'::text)" }),
);
const missed = recordOf('created-by', [plan], {
  index: 'projects_created_by_idx',
  missed: 'absent',
  verdict: 'fail',
});
const counters = {
  indexHitRate: 0.5,
  cacheHitRate: 1,
  indexUsage: null,
  blocks: 2000,
  scansOfIndex: {},
  scansOfTable: {},
  reset: false,
};
const point = {
  queries: [],
  classes: [{ class: 'simple', rates: counters }],
  rates: [{ name: 'cacheHitRate', value: 1, target: 0.99, verdict: 'pass' }],
  counters,
  connections: [],
  plans: [missed],
  access: {
    unusedIndexes: [
      { name: 'projects_name_idx', table: 'projects', unique: false, bytes: 16_384 },
      { name: 'projects_pkey', table: 'projects', unique: true, bytes: 16_384 },
    ],
    tableScans: [
      {
        name: 'projects',
        rows: 20_000,
        pages: 900,
        scans: 500,
        queries: [{ name: 'created-by', shouldUse: 'projects_created_by_idx' }],
      },
    ],
  },
} as unknown as Point;

describe('a query that misses its index', () => {
  it('breaks the run by a line of its own', () => {
    expect(pointVerdict(point)).toBe('fail');
    const error = judgeBench({
      complete: true,
      verdict: 'fail',
      points: [point],
      growth: { withData: [], withClients: [], throughput: [] },
    } as unknown as BenchResult);
    expect(error).toMatchObject({
      code: 'BENCH_TARGET_MISSED',
      details: [
        'created-by: plan: missed its index projects_created_by_idx (the database has no such index): Seq Scan on projects',
      ],
    });
  });

  it('is told with its size and clients where several were measured', () => {
    const points = [1000, 100_000].map((projects) => ({ ...point, data: { ...point.data, projects }, clients: 4 }));
    const growth = { withData: [], withClients: [], throughput: [] };
    const { details } = judgeBench({ complete: true, verdict: 'fail', points, growth } as unknown as BenchResult)!;
    expect(details.map((line) => line.split(': ', 2))).toEqual([
      ['1,000 projects, 4 clients', 'created-by'],
      ['100,000 projects, 4 clients', 'created-by'],
    ]);
  });

  it('is shown with its plan, the scans and what nobody used', () => {
    expect(renderFindings(point, new Chalk({ level: 0 })).join('\n')).toBe(`
found           index blocks    all blocks   index scans
simple                50.0 %       100.0 %           n/a

✗ created-by: plan: missed its index projects_created_by_idx (the database has no such index): Seq Scan on projects
    Seq Scan on projects  (10 rows, 0.25 ms, 4 blocks)
        Filter: (projects.created_by = 'ada'::text)
    planned in 0.10 ms, run in 0.30 ms

large tables read whole
  projects, 20,000 rows, 500 times by created-by (should use projects_created_by_idx)

indexes that no query used
  projects_name_idx on projects, 16.0 KiB
  and 1 that keep rows unique`);
  });
});
