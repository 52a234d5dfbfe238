import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { growthLines, growthOf, growthTarget } from '../../../src/bench/growth/growth.ts';
import { fitPower } from '../../../src/bench/growth/power-fit.ts';
import { judgeBench } from '../../../src/bench/judge/assess.ts';
import type { Point, QueryResult } from '../../../src/bench/result.ts';
import { reportOfPoints } from '../report/support.ts';

const sizes = fc
  .uniqueArray(fc.integer({ min: 10, max: 10_000_000 }), { minLength: 2, maxLength: 6 })
  .map((values) => values.sort((a, b) => a - b));
const around = (value: number, factor: number) => ({ value, low: value / factor, high: value * factor });

describe('a fitted power', () => {
  it('finds the exponent that the measurements follow, whatever their unit', () => {
    fc.assert(
      fc.property(
        sizes,
        fc.double({ min: -1, max: 2, noNaN: true }),
        fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
        (values, exponent, unit) => {
          const fit = fitPower(values.map((size) => ({ size, measured: around(unit * size ** exponent, 1.05) })))!;
          expect(fit.exponent.value).toBeCloseTo(exponent, 6);
          expect(fit.exponent.low).toBeLessThanOrEqual(fit.exponent.value);
          expect(fit.exponent.high).toBeGreaterThanOrEqual(fit.exponent.value);
          const expected = (values.at(-1)! / values[0]!) ** exponent;
          expect(fit.ratio.value / expected).toBeCloseTo(1, 6);
        },
      ),
    );
  });

  it('is as sure as its medians, and less sure where they do not lie on a line', () => {
    const at = (measured: number, factor: number) => [
      { size: 100, measured: around(1, factor) },
      { size: 1000, measured: around(measured, factor) },
      { size: 10_000, measured: around(4, factor) },
    ];
    const width = (steps: Parameters<typeof fitPower>[0]) => {
      const { low, high } = fitPower(steps)!.exponent;
      return high - low;
    };
    expect(width(at(2, 1.2))).toBeGreaterThan(width(at(2, 1.02)));
    expect(width(at(1, 1.02))).toBeGreaterThan(2 * width(at(2, 1.02)));
    // 1.96 · √2 · (ln 1.1 / 1.96) / ln 100, by hand.
    const [first, , last] = at(2, 1.1);
    expect(width([first!, last!])).toBeCloseTo((2 * Math.SQRT2 * Math.log(1.1)) / Math.log(100), 9);
  });

  it('is none for one size, or for times that round to nothing', () => {
    expect(fitPower([{ size: 10, measured: around(1, 1.1) }])).toBeUndefined();
    expect(
      fitPower([
        { size: 10, measured: { value: 1, low: 0, high: 1 } },
        { size: 20, measured: around(1, 1.1) },
      ]),
    ).toBeUndefined();
  });
});

describe('growth of a run', () => {
  it('that is undecided is told what lets it go on for longer, or at all', () => {
    const { result } = reportOfPoints(
      [{ name: 'by-key', class: 'simple', medianMs: 1 }],
      [100, 10_000].map((projects) => ({ projects, clients: 1 })),
    );
    const open = { ...result.growth.withData[0]!, verdict: 'inconclusive' as const };
    const growth = { ...result.growth, withData: [open] };
    const undecided = { ...result, growth, verdict: 'inconclusive' as const };
    // With --into, where a size is gone when the next one shows how much it grew.
    expect(judgeBench(undecided)).toMatchObject({
      code: 'BENCH_INCONCLUSIVE',
      hint: expect.stringMatching(/without --into.* --samples 4000/),
    });
    expect(judgeBench({ ...undecided, growth: { ...growth, furtherRounds: 4 } })?.hint).toContain('--max-samples');
    const points = result.points.map((point) => ({
      ...point,
      queries: point.queries.map((query) => ({ ...query, verdict: 'inconclusive' as const })),
    }));
    expect(judgeBench({ ...undecided, points })?.hint).toContain('--max-samples');
  });

  it('needs only the ends for its ratio: a size between has its say in the exponent', () => {
    const points = [point(10, 1, { steady: 1 }), point(100, 1, { steady: null }), point(1000, 1, { steady: 1.1 })];
    const [growth] = growthOf(points, { simpleGrowth: 1.5 }).withData;
    expect(growth).toMatchObject({ exponent: null, ratio: { value: expect.closeTo(1.1) }, verdict: 'pass' });
  });

  it('allows a hundredfold what is configured, and other ratios the same exponent', () => {
    expect(growthTarget(1.5, 100)).toBeCloseTo(1.5);
    expect(growthTarget(1.5, 10)).toBeCloseTo(Math.sqrt(1.5));
    expect(growthTarget(1.5, 10_000)).toBeCloseTo(2.25);
  });

  it('judges simple queries along the data, and nothing else', () => {
    const points = [
      point(1000, 4, { steady: 1, scanning: 1, doubtful: 1, sum: 1 }),
      point(100_000, 4, { steady: 1.1, scanning: 80, doubtful: 1.49, sum: 90 }),
    ];
    const { withData, withClients } = growthOf(points, { simpleGrowth: 1.5 });
    expect(withClients).toEqual([]);
    expect(Object.fromEntries(withData.map(({ name, verdict }) => [name, verdict]))).toEqual({
      steady: 'pass',
      scanning: 'fail',
      doubtful: 'inconclusive',
      sum: null,
    });
    expect(withData.find(({ name }) => name === 'scanning')).toMatchObject({ at: 4, target: expect.closeTo(1.5) });
    expect(growthLines({ withData, withClients, throughput: [] }, 'fail')).toEqual([
      expect.stringMatching(/^scanning: 80\.00 × slower .* from 1,000 to 100,000 projects with 4 clients/),
    ]);
  });

  it('takes each number of clients and each size for itself', () => {
    const times = { steady: 1, scanning: 1, doubtful: 1, sum: 1 };
    const points = [1, 4].flatMap((clients) => [10, 1000].map((projects) => point(projects, clients, times)));
    const { withData, withClients } = growthOf(points, { simpleGrowth: 1.5 });
    const steady = (list: typeof withData) =>
      list.filter(({ name }) => name === 'steady').map(({ at, steps }) => [at, steps.map(({ size }) => size)]);
    expect(steady(withData)).toEqual([
      [1, [10, 1000]],
      [4, [10, 1000]],
    ]);
    expect(steady(withClients)).toEqual([
      [10, [1, 4]],
      [1000, [1, 4]],
    ]);
    expect(growthOf(points.slice(0, 1), { simpleGrowth: 1.5 })).toEqual({
      withData: [],
      withClients: [],
      throughput: [],
    });
  });

  it('follows the throughput of each class along the clients', () => {
    const at = (clients: number, perSecond: number | null) => ({
      ...point(10, clients, { steady: 1 }),
      throughput: perSecond === null ? [] : [{ class: 'simple' as const, perSecond: around(perSecond, 1.1) }],
    });
    const [simple, ...others] = growthOf([at(4, 2000), at(1, 1000)], { simpleGrowth: 1.5 }).throughput;
    expect(others).toEqual([]);
    expect(simple).toMatchObject({ class: 'simple', at: 10, ratio: { value: expect.closeTo(2) } });
    expect(simple!.exponent.value).toBeCloseTo(0.5);
    expect(growthOf([at(4, null), at(1, 1000)], { simpleGrowth: 1.5 }).throughput).toEqual([]);
  });

  it('decides nothing about a query that one size has too few samples of', () => {
    const points = [point(10, 1, { steady: 1 }), point(1000, 1, { steady: null })];
    const [growth] = growthOf(points, { simpleGrowth: 1.5 }).withData;
    expect(growth).toMatchObject({ exponent: null, ratio: null, verdict: 'inconclusive' });
  });
});

function point(projects: number, clients: number, medians: Record<string, number | null>): Point {
  const queries = Object.entries(medians).map(
    ([name, p50]) =>
      ({
        name,
        class: name === 'sum' ? 'aggregation' : 'simple',
        p50: p50 === null ? null : around(p50, 1.02),
      }) as QueryResult,
  );
  return {
    data: { projects, payloads: projects, events: 3 * projects, seed: 1 },
    clients,
    queries,
    throughput: [],
  } as unknown as Point;
}
