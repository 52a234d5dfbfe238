import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { statisticsDoubts } from '../../../src/bench/judge/statistics-doubts.ts';
import { findAccess } from '../../../src/bench/observe/access.ts';
import { addSpans, type Counters, hitRates, spanOf } from '../../../src/bench/observe/counters.ts';
import { queryRates } from '../../../src/bench/observe/query-rates.ts';
import { statementsQuery } from '../../../src/bench/observe/statements.ts';
import { rawNode, recordOf, variantOf } from '../plans/plan-nodes.ts';

const counters = (hits: number, more: Partial<Counters> = {}): Counters => ({
  resetAt: '',
  indexHits: hits,
  indexReads: 0,
  hits,
  reads: 0,
  indexScans: 0,
  tableScans: 0,
  scansOfIndex: {},
  scansOfTable: {},
  ...more,
});
const whole = (...plan: string[]) =>
  recordOf(plan[0]!, [variantOf(rawNode('Seq Scan', { 'Relation Name': plan[1], 'Shared Hit Blocks': 400 }))]);

describe('hit rates', () => {
  it('are n/a below 1,000 blocks, whatever these were', () => {
    fc.assert(
      fc.property(fc.nat(2000), fc.nat(2000), (hits, reads) => {
        const { cacheHitRate } = hitRates(spanOf(counters(7), counters(7 + hits, { reads })));
        expect(cacheHitRate).toBe(hits + reads < 1000 ? null : hits / (hits + reads));
      }),
    );
  });

  it('are discarded after a reset, also one that shows only in a count that fell', () => {
    const reset = hitRates(spanOf(counters(0), counters(5000, { resetAt: '2026-11-30' })));
    expect(reset).toMatchObject({ reset: true, cacheHitRate: null });
    const one = spanOf(
      counters(0, { scansOfTable: { projects: 9 } }),
      counters(5000, { scansOfTable: { projects: 1 } }),
    );
    expect(hitRates(one)).toMatchObject({ reset: true, cacheHitRate: null, indexUsage: null });
    const good = spanOf(counters(0), counters(5000));
    expect(hitRates(addSpans(good, one)).reset).toBe(true);
    expect(hitRates(addSpans(good, good))).toMatchObject({ reset: false, cacheHitRate: 1, blocks: 10_000 });
  });
});

describe('the rates of a query', () => {
  const plans = [whole('a', 'projects'), whole('b', 'projects')];
  const ids = new Map([
    ['a', ['1']],
    ['b', ['2']],
  ]);
  const counts = (calls: number, hits: number) => ({ calls, hits, reads: 0, executionMs: calls / 4 });

  it('come from pg_stat_statements, or from its plans where it cannot be told apart or was dropped', () => {
    const statements = new Map([
      ['1', counts(500, 2000)],
      ['2', counts(-3, 10)],
    ]);
    const rates = queryRates(plans, ids, { statements, statementsReset: false });
    expect(rates.get('a')).toEqual({
      cacheHitRate: 1,
      blocks: 2000,
      indexUsage: 0,
      serverMs: 0.25,
      runs: 500,
      source: 'pg_stat_statements',
    });
    const ofPlan = { cacheHitRate: null, blocks: 400, indexUsage: 0, serverMs: null, runs: 1, source: 'plan' };
    expect(rates.get('b')).toEqual(ofPlan);
    const shared = new Map([...ids].map(([name]) => [name, ['1']]));
    expect(queryRates(plans, shared, { statements, statementsReset: false }).get('a')?.source).toBe('plan');
  });

  it('are discarded when pg_stat_statements was reset', () => {
    const statements = new Map([['1', counts(300, 2000)]]);
    expect(queryRates(plans, ids, { statements, statementsReset: true }).get('a')).toMatchObject({
      cacheHitRate: null,
      serverMs: null,
      runs: 0,
    });
  });

  it('are read as the version of the extension allows', () => {
    const of = (version: string) => statementsQuery({ schema: 'ext "a"', version });
    expect(of('1.8')).not.toMatch(/toplevel|pg_stat_statements_info/);
    expect([of('1.7'), of('1.8')].map((text) => /sum\((\w*time)\)/.exec(text)?.[1])).toEqual([
      'total_time',
      'total_exec_time',
    ]);
    for (const version of ['1.9', '1.10', '1.12', '2.0'])
      expect(of(version)).toMatch(/"ext ""a"""\.pg_stat_statements_info[\s\S]*and toplevel/);
  });
});

it('what is wrong with the statistics is told with what to do', () => {
  const total = hitRates(spanOf(counters(0), counters(0)));
  const reading = { total, parts: new Map(), statements: new Map(), statementsReset: false };
  const kinds = (more: object) => statisticsDoubts({ ...reading, ...more }).map(({ kind }) => kind);
  expect(kinds({})).toEqual([]);
  expect(kinds({ total: { ...total, reset: true }, statementsReset: true })).toEqual([
    'statistics-reset',
    'statistics-reset',
  ]);
  const [doubt] = statisticsDoubts({ ...reading, statements: 'not loaded' });
  expect(doubt).toMatchObject({
    kind: 'queries-not-counted',
    message: expect.stringContaining('shared_preload_libraries'),
  });
});

describe('what was read how', () => {
  const facts = {
    tables: [
      { name: 'projects', rows: 20_000, pages: 900 },
      { name: 'events', rows: 10_000, pages: 900 },
      { name: 'narrow', rows: 20_000, pages: 100 },
    ],
    indexes: [
      { name: 'used', table: 'projects', valid: true, unique: false, bytes: 8192 },
      { name: 'idle', table: 'projects', valid: true, unique: false, bytes: 8192 },
    ],
  };
  const scans = { scansOfTable: { projects: 5, events: 5, narrow: 5 }, scansOfIndex: { used: 3, idle: 0 } };
  const rates = hitRates(spanOf(counters(0), counters(0, scans)));

  it('names unused indexes, and large tables with the queries that read them whole', () => {
    const plans = [
      { ...whole('count', 'projects'), index: null },
      { ...whole('list', 'projects'), index: 'gone', missed: 'absent' as const },
      whole('other', 'events'),
    ];
    expect(findAccess(rates, facts, plans)).toEqual({
      unusedIndexes: [{ name: 'idle', table: 'projects', unique: false, bytes: 8192 }],
      tableScans: [
        {
          ...facts.tables[0],
          scans: 5,
          queries: [
            { name: 'count', shouldUse: null },
            { name: 'list', shouldUse: 'gone' },
          ],
        },
      ],
    });
  });

  it('says nothing after a reset', () => {
    expect(findAccess({ ...rates, reset: true }, facts, [])).toBeNull();
  });
});
