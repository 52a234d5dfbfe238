import { describe, expect, it } from '@jest/globals';
import { Chalk } from 'chalk';
import fc from 'fast-check';
import { compareRuns } from '../../src/bench/compare/compare-runs.ts';
import { judgeComparison, worseOf } from '../../src/bench/compare/judge.ts';
import type { PlanRecord } from '../../src/bench/plans/plan-record.ts';
import { renderComparison } from '../../src/cli/bench-compare-text.ts';
import { StructdbError } from '../../src/core/errors.ts';
import { around, madeEnvironment, madeRun } from '../support/bench-run.ts';

const timed = (first: number[], more: Readonly<Record<string, number[]>> = {}) =>
  madeRun({ us: { first, second: around(5000), third: around(20_000), ...more } });
const before = timed(around(1000));
const changeOf = (after: ReturnType<typeof madeRun>, from = before, name = 'first') =>
  compareRuns(from, after).points[0]!.queries.find((query) => query.name === name)!;

function refusal(work: () => unknown): StructdbError {
  try {
    work();
  } catch (error) {
    return error as StructdbError;
  }
  throw new Error('It was not refused.');
}

describe('comparing two runs', () => {
  it('finds nothing between a run and itself, whatever it measured', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50_000 }), { minLength: 100, maxLength: 100 }), (us) => {
        const comparison = compareRuns(timed(us), timed(us));
        expect(comparison.verdict).toBe('pass');
        expect(comparison.points[0]!.queries.map(({ change }) => change)).toEqual(['same', 'same', 'same']);
      }),
      { numRuns: 25 },
    );
  });

  it('fails what is certainly slower by more than the threshold, and names it', () => {
    const comparison = compareRuns(before, timed(around(1300, 11)));
    expect(comparison.points[0]!.queries[0]).toMatchObject({ name: 'first', change: 'slower', effect: 1 });
    expect(comparison.points[0]!.queries[0]!.ratio).toBeCloseTo(1.3, 2);
    const error = judgeComparison(comparison)!;
    expect(error).toMatchObject({ code: 'BENCH_REGRESSION', exitCode: 4, message: '1 query is slower than before.' });
    expect(error.details).toEqual(['first: 1.3 ms, before 1.0 ms (+30 %, p < 0.0001)']);
  });

  it.each([
    [1300, 'slower'],
    [1080, 'slightly-slower'],
    [1030, 'same'],
    [930, 'slightly-faster'],
    [700, 'faster'],
  ])('calls a median of %i µs, after 1000, %s', (middle, change) => {
    expect(changeOf(timed(around(middle, 11))).change).toBe(change);
  });

  it('says the opposite the other way round', () => {
    const opposite = { slower: 'faster', 'slightly-slower': 'slightly-faster', same: 'same' } as Record<string, string>;
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 3000 }), (middle) => {
        const [there, back] = [changeOf(timed(around(middle, 11))), changeOf(before, timed(around(middle, 11)))];
        expect(back.change).toBe(opposite[there.change]);
        expect(back.p).toBeCloseTo(there.p, 12);
      }),
      { numRuns: 25 },
    );
  });

  it('takes a threshold', () => {
    const after = timed(around(1300, 11));
    expect(compareRuns(before, after, { threshold: 0.5 }).verdict).toBe('pass');
    expect(compareRuns(before, after, { threshold: 0.25 }).verdict).toBe('fail');
  });

  it('does not fail what is slower by less than anybody feels', () => {
    const tiny = timed(around(100));
    expect(changeOf(timed(around(145, 11)), tiny)).toMatchObject({ change: 'same' });
    expect(changeOf(timed(around(160, 11)), tiny)).toMatchObject({ change: 'slower' });
  });

  it('does not fail a few slow samples, nor slow blocks that came by chance', () => {
    const noisy = around(1000).map((us, place) => (place % 20 === 0 ? us * 30 : us));
    expect(changeOf(timed(noisy)).change).toBe('same');
    // Three of ten blocks four times slower: the median of all moves by little, and the blocks prove nothing.
    expect(changeOf(timed(around(1000).map((us, place) => (place < 30 ? us * 4 : us)))).change).toBe('same');
  });

  it('does not fail a large difference that blocks of one run have among themselves', () => {
    const swinging = (slow: number) =>
      around(1000).map((us, place) => (Math.floor(place / 10) % 10 < slow ? us * 1.5 : us));
    const query = changeOf(timed(swinging(6)), timed(swinging(4)));
    expect(query.ratio).toBeGreaterThan(1.3);
    expect(query).toMatchObject({ change: 'same' });
    expect(query.p).toBeGreaterThan(0.05);
  });

  it('does not take many samples for proof: they lie in too few blocks', () => {
    const cut = (run: ReturnType<typeof madeRun>, blocks: number[]) => ({
      ...run,
      raw: [run.raw[0]!.map((each) => ({ ...each, blocks }))],
    });
    const comparison = compareRuns(cut(before, [0, 50]), cut(timed(around(3000, 11)), [0, 50]));
    expect(comparison.verdict).toBe('inconclusive');
    expect(judgeComparison(comparison)).toMatchObject({ code: 'BENCH_INCONCLUSIVE', exitCode: 6 });
    expect(comparison.points[0]!.queries[0]!.why).toBe('2 blocks of samples are too few');
  });

  it('does not blame queries that became slower all alike, but one that did so by far more', () => {
    const names = ['first', 'second', 'third', 'fourth', 'fifth'];
    const all = (factor: number, own = 1) =>
      madeRun({
        us: Object.fromEntries(
          names.map((name, at) => [name, around(2000 * (at + 1) * (at ? factor : factor * own), 11)]),
        ),
      });
    const alike = compareRuns(all(1), all(1.5));
    expect(alike.verdict).toBe('inconclusive');
    expect(alike.points[0]!.queries[0]!.why).toBe('all simple queries are slower alike (× 1.50)');
    const own = compareRuns(all(1), all(1.5, 2));
    expect(own.points[0]!.queries.map(({ change }) => change)).toEqual(['slower', ...Array(4).fill('undecided')]);
    expect(own.verdict).toBe('fail');
  });

  it('fails another plan, with both shown, though no query is slower', () => {
    const plan = (type: string, index?: string): PlanRecord => ({
      query: 'first',
      index: 'i',
      settings: {},
      missed: null,
      verdict: 'pass',
      variants: [
        {
          hash: type,
          turns: [0],
          generic: false,
          planningMs: 1,
          executionMs: 1,
          root: {
            ...{ type, relation: 'projects', details: {}, notes: {}, plannedRows: 1, rows: 1, loops: 1, ms: 1 },
            ...{ hits: 1, reads: 0, inputs: [], ...(index ? { index } : {}) },
          },
        },
      ],
    });
    const [old, young] = [madeRun({ plans: [plan('Index Scan', 'i')] }), madeRun({ plans: [plan('Seq Scan')] })];
    expect(compareRuns(old, old).verdict).toBe('pass');
    const comparison = compareRuns(old, young);
    expect(comparison.points[0]!.plans).toHaveLength(1);
    expect(judgeComparison(comparison)).toMatchObject({
      code: 'BENCH_REGRESSION',
      message: '1 query is answered by another plan.',
      details: ['first: another plan'],
    });
    const bitmap = madeRun({ plans: [plan('Bitmap Heap Scan', 'i')] });
    expect(compareRuns(old, bitmap)).toMatchObject({ verdict: 'pass', points: [{ plans: [{ otherAccess: false }] }] });
    const text = renderComparison(comparison, new Chalk({ level: 0 }));
    expect(text).toMatch(/^- Index Scan on projects using i /m);
    expect(text).toMatch(/^\+ Seq Scan on projects /m);
  });

  it('reports new and removed queries and does not fail for them', () => {
    const { result, raw } = timed(around(1000), { fourth: around(900) });
    const comparison = compareRuns({ result, raw }, timed(around(1000), { fifth: around(900) }));
    expect(comparison).toMatchObject({ verdict: 'pass', points: [{ added: ['fifth'], removed: ['fourth'] }] });
  });

  it('refuses runs that were made otherwise, naming each difference, unless it is forced', () => {
    const { host, server } = madeEnvironment;
    const environment = {
      ...madeEnvironment,
      host: { ...host, cpu: 'Another', cores: 4, memoryBytes: 4 * 1024 ** 3 },
      server: { ...server, version: '17.2', settings: { work_mem: '64MB' } },
      node: '26.1.0',
      statements: { ...madeEnvironment.statements, second: 'x' },
    };
    const other = madeRun({ environment, seed: 2 });
    const error = refusal(() => compareRuns(before, other));
    expect(error).toMatchObject({ code: 'BENCH_NOT_COMPARABLE', exitCode: 1 });
    expect(error.details).toEqual([
      'processor: Another, before A Processor',
      'cores: 4, before 2',
      'memory: 4.0 GiB, before 8.0 GiB',
      'PostgreSQL: 17.2, before 15.18',
      'setting work_mem: 64MB, before 4MB',
      'statement of second: x, before s',
      'seed at 10 projects, 4 clients: 2, before 1',
    ]);
    const forced = compareRuns(before, other, { force: true });
    expect(forced).toMatchObject({ forced: true, verdict: 'pass' });
    expect(forced.doubts).toHaveLength(8);
    expect(forced.doubts.join('\n')).toContain('Another Node: 26.1.0, before 24.11.0');
  });

  it('refuses a run whose statements were prepared beside one whose were not', () => {
    const { result, raw } = madeRun();
    const points = result.points.map((point) => ({ ...point, prepared: false }));
    const error = refusal(() => compareRuns(before, { result: { ...result, points }, raw }));
    expect(error.details).toEqual(['statements at 10 projects, 4 clients: not prepared, before prepared']);
  });

  it('tells another Node or structdb, and compares', () => {
    const comparison = compareRuns(before, madeRun({ environment: { ...madeEnvironment, node: '26.1.0' } }));
    expect(comparison).toMatchObject({ forced: false, doubts: ['Another Node: 26.1.0, before 24.11.0'] });
  });

  it('tells another schema, which is what a comparison is made for, and does not mind a database that was kept', () => {
    const comparison = compareRuns(before, madeRun({ schema: 'e', reused: true }));
    expect(comparison).toMatchObject({ forced: false, verdict: 'pass' });
    expect(comparison.doubts).toEqual(['Another schema at 10 projects, 4 clients: e, before d']);
  });

  it('refuses runs with no size and concurrency in common, also when forced', () => {
    const other = madeRun();
    const points = other.result.points.map((point) => ({ ...point, clients: 16 }));
    const error = refusal(() =>
      compareRuns(before, { ...other, result: { ...other.result, points } }, { force: true }),
    );
    expect(error.details).toEqual([
      'no size and concurrency in common: 10 projects, 16 clients, before 10 projects, 4 clients',
    ]);
  });
});

describe('two verdicts of one run', () => {
  it('are told as one: what is broken before what is open', () => {
    const open = new StructdbError('BENCH_INCONCLUSIVE', 'One is open.', { details: ['a'] });
    const broken = new StructdbError('BENCH_REGRESSION', 'One is slower.', { details: ['b'] });
    expect(worseOf(undefined, open)).toBe(open);
    expect(worseOf(open, broken)).toMatchObject({
      exitCode: 4,
      message: 'One is slower. One is open.',
      details: ['b', 'a'],
    });
    expect(worseOf(broken, open)).toMatchObject({ exitCode: 4, details: ['b', 'a'] });
  });
});
