import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { judgeRatio } from '../../../src/bench/growth/growth.ts';
import { type Ends, isSettled, judgeGrowthInterim } from '../../../src/bench/growth/interim.ts';
import { ratioOf } from '../../../src/bench/growth/power-fit.ts';
import { type End, runUntilGrowthDecided } from '../../../src/bench/growth/rounds.ts';
import { Latencies } from '../../../src/bench/judge/latency.ts';
import type { Samples } from '../../../src/bench/measure/samples.ts';

const signal = new AbortController().signal;

/** Counts at the smallest and at the largest size of each query, and how many both must have until it is decided. */
async function rounds(counts: readonly (readonly [number, number])[], decidedAt: readonly number[], most: number) {
  const now = { smallest: counts.map(([count]) => count), largest: counts.map(([, count]) => count) };
  const taken: [End, readonly number[], number][] = [];
  const count = await runUntilGrowthDecided({
    places: counts.map((_, place) => place),
    countOf: (end, place) => now[end][place]!,
    samples: 100,
    mostSamples: most,
    limitMs: Number.POSITIVE_INFINITY,
    isDecided: (place) => Math.min(now.smallest[place]!, now.largest[place]!) >= decidedAt[place]!,
    take: async (end, places, samples) => {
      taken.push([end, places, samples]);
      for (const place of places) now[end][place]! += samples;
    },
    signal,
  });
  return { count, taken, now };
}

describe('running until growth is decided', () => {
  it('doubles the samples of what is undecided at both ends, there and back, and of nothing else', async () => {
    const { count, taken, now } = await rounds([[100, 100], [100, 100], [100, 100]], [100, 200, 400], 1000); // biome-ignore format: pairs
    expect(count).toBe(2);
    expect(taken).toEqual([
      ['smallest', [1, 2], 50],
      ['largest', [1, 2], 50],
      ['largest', [1, 2], 50],
      ['smallest', [1, 2], 50],
      ['smallest', [2], 100],
      ['largest', [2], 100],
      ['largest', [2], 100],
      ['smallest', [2], 100],
    ]);
    expect(now).toEqual({ smallest: [100, 200, 400], largest: [100, 200, 400] });
  });

  it('goes on at one end when the other has the most, for as many looks as a latency has at most', async () => {
    const uneven = await rounds([[1000, 100]], [Number.POSITIVE_INFINITY], 1000);
    expect(new Set(uneven.taken.map(([end]) => end))).toEqual(new Set(['largest']));
    expect(uneven.now).toEqual({ smallest: [1000], largest: [1000] });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 3000 }), async (below, above) => {
        const most = Math.max(1000, below, above);
        const { count, now } = await rounds([[below, above]], [Number.POSITIVE_INFINITY], most);
        expect(now).toEqual({ smallest: [most], largest: [most] });
        expect(count).toBeLessThanOrEqual(Math.ceil(Math.log2(most / 100)) + 1);
      }),
    );
  });

  it('takes nothing when all is decided, or there is no room', async () => {
    expect(await rounds([[100, 100]], [100], 1000)).toMatchObject({ count: 0, taken: [] });
    expect(await rounds([[100, 100]], [200], 100)).toMatchObject({ count: 0, taken: [] });
  });
});

/** Ten blocks alike: latencies evenly from 0.2 to 1.8 times the median. */
function spread(medianMs: number): Samples {
  const rows = Float64Array.from({ length: 200 }, (_, row) => row);
  return {
    latencies: rows.map((row) => medianMs * (0.2 + (1.6 * (((row * 7) % 20) + Math.floor(row / 20) / 10)) / 20)),
    waits: rows,
    starts: rows,
    blocks: Uint16Array.from(rows, (row) => Math.floor(row / 20)),
  };
}

/** Two ends with the same latencies around 1 ms. */
function endsWith(
  objectives: { readonly simpleGrowth: number; readonly simpleFilters: number },
  maxSamples = 1000,
): Ends {
  const endOf = (projects: number) => ({
    options: {
      suite: { queries: [{ class: 'simple' }, { class: 'aggregation' }] },
      objectives,
      data: { projects },
      maxSamples,
    },
    run: { of: () => spread(1) },
  });
  return { smallest: endOf(10), largest: endOf(1000) } as unknown as Ends;
}

describe('a look at the growth of a query', () => {
  it('asks for a 99 % interval where more samples may follow, at last for 95 %', () => {
    const ends = endsWith({ simpleGrowth: 1.2, simpleFilters: 60_000 });
    expect(judgeGrowthInterim(ends, 0)).toBe('inconclusive');
    expect(isSettled(ends, 0)).toBe(false);
    // Not judged: nothing of it is undecided.
    expect(judgeGrowthInterim(ends, 1)).toBe('pass');
    const p50 = new Latencies(spread(1)).percentile('p50')!;
    expect(judgeRatio(ratioOf(p50, p50)!, 1.2)).toBe('pass');
  });

  it('is one at its latencies, too: as long as more samples may follow both must be decided', () => {
    const p95 = new Latencies(spread(1)).percentile('p95')!.value;
    expect(isSettled(endsWith({ simpleGrowth: 2, simpleFilters: 60_000 }), 0)).toBe(true);
    expect(isSettled(endsWith({ simpleGrowth: 2, simpleFilters: p95 }), 0)).toBe(false);
    expect(isSettled(endsWith({ simpleGrowth: 2, simpleFilters: p95 }, 200), 0)).toBe(true);
  });
});

it('the interval of a ratio is as wide as its level asks', () => {
  const measured = { value: 2, low: 2 / 1.1, high: 2 * 1.1 };
  const width = (level: 0.95 | 0.99) => Math.log(ratioOf(measured, measured, level)!.high);
  // √2 · ln 1.1, by hand; and 2.576 / 1.96 of it.
  expect(width(0.95)).toBeCloseTo(Math.SQRT2 * Math.log(1.1), 9);
  expect(width(0.99)).toBeCloseTo((2.576 / 1.96) * Math.SQRT2 * Math.log(1.1), 9);
  expect(ratioOf(measured, { value: 1, low: 0, high: 1 })).toBeUndefined();
});
