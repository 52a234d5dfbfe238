import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { blockStarts, emptyRecords, type Records, SampleStore } from '../../../src/bench/measure/samples.ts';
import { runUntilDecided } from '../../../src/bench/measure/timed-run.ts';
import { QUERY_CLASSES, type SuiteQuery } from '../../../src/bench/suite/query.ts';

type Row = readonly [place: number, start: number];

function recordsOf(rows: readonly Row[]): Records {
  const records = emptyRecords(rows.length + 3);
  rows.forEach(([place, start], row) => {
    records.places[row] = place;
    records.starts[row] = start;
    records.latencies[row] = start * 2;
    records.waits[row] = start / 2;
    records.blocks[row] = Math.floor(start / 100);
  });
  return { ...records, count: rows.length };
}

describe('samples', () => {
  it('of several workers are all there, each with its own values, in the order of time', () => {
    const row = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 999 }));
    fc.assert(
      fc.property(fc.array(fc.array(row, { maxLength: 30 }), { minLength: 2, maxLength: 4 }), (workers) => {
        const store = new SampleStore(4, 1);
        store.add(workers.map((rows) => recordsOf(rows.toSorted((a, b) => a[1] - b[1]))));
        for (const place of [0, 1, 2, 3]) {
          const expected = workers
            .flat()
            .filter((each) => each[0] === place)
            .map(([, start]) => start)
            .sort((a, b) => a - b);
          const samples = store.of(place);
          expect([...samples.starts]).toEqual(expected);
          expect([...samples.latencies]).toEqual(expected.map((start) => start * 2));
          expect([...samples.waits]).toEqual(expected.map((start) => start / 2));
          const starts = blockStarts(samples);
          expect(starts.map((at) => samples.blocks[at])).toEqual([...new Set(samples.blocks)]);
        }
      }),
    );
  });
});

describe('running until decided', () => {
  const queries = [0, 1, 2].map((place) => ({ name: `q${place}`, class: QUERY_CLASSES[0] }) as SuiteQuery<unknown>);
  const signal = new AbortController().signal;

  async function rounds(decidedAt: readonly number[], mostSamples: number) {
    const counts = [100, 100, 100];
    const asked: [readonly number[], number][] = [];
    const run = {
      further: async (places: readonly number[], samples: number) => {
        asked.push([places, samples]);
        for (const place of places) counts[place]! += samples;
      },
    };
    const isDecided = (place: number) => counts[place]! >= decidedAt[place]!;
    const limits = { mostSamples, limitMs: Number.POSITIVE_INFINITY, isDecided };
    return { count: await runUntilDecided(run, { queries, samples: 100, signal }, limits), asked, counts };
  }

  it('doubles the samples of what is undecided, and of nothing else, up to the most', async () => {
    expect(await rounds([100, 200, Number.POSITIVE_INFINITY], 1000)).toEqual({
      count: 4,
      asked: [
        [[1, 2], 100],
        [[2], 200],
        [[2], 400],
        [[2], 200],
      ],
      counts: [100, 200, 1000],
    });
  });

  it('runs nothing further when all is decided', async () => {
    expect(await rounds([100, 0, 50], 1000)).toMatchObject({ count: 0, asked: [] });
  });

  it('never has a query measured beyond the most, whatever that is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 100, max: 5000 }), async (most) => {
        const { counts } = await rounds([Number.POSITIVE_INFINITY, 100, 100], most);
        expect(counts).toEqual([most, 100, 100]);
      }),
    );
  });
});
