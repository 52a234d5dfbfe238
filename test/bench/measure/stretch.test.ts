import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { shareOf } from '../../../src/bench/measure/crew.ts';
import { blockTurns, poissonArrivals, type Stretch, ticketsOf } from '../../../src/bench/measure/stretch.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const stretches: fc.Arbitrary<Stretch> = fc.record({
  places: fc.uniqueArray(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 8 }),
  turns: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
  firstBlock: fc.integer({ min: 0, max: 50 }),
  firstTurn: fc.integer({ min: 0, max: 1000 }),
  seed: seeds,
  ratePerSecond: fc.constant(null),
  limitMs: fc.constant(null),
});

describe('the order of requests', () => {
  it('runs every query in every block with each turn of the block once, and blocks one after the other', () => {
    fc.assert(
      fc.property(stretches, (stretch) => {
        const { places, turns, blocks } = ticketsOf(stretch);
        const found = Array.from(places, (place, row) => `${blocks[row]} ${place} ${turns[row]}`);
        let turn = stretch.firstTurn;
        const expected = stretch.turns.flatMap((length, block) => {
          const first = turn;
          turn += length;
          return stretch.places.flatMap((place) =>
            Array.from({ length }, (_, next) => `${stretch.firstBlock + block} ${place} ${first + next}`),
          );
        });
        expect(found.toSorted()).toEqual(expected.toSorted());
        expect([...blocks]).toEqual([...blocks].toSorted((a, b) => a - b));
      }),
    );
  });

  it('is the same for the same seed and another for another', () => {
    const order = (seed: number) =>
      ticketsOf({
        ...{ places: [0, 1, 2, 3], turns: [20], firstBlock: 0, firstTurn: 0, seed },
        ...{ ratePerSecond: null, limitMs: null },
      });
    expect(order(7)).toEqual(order(7));
    expect(order(7)).not.toEqual(order(8));
  });

  it('cuts samples into blocks that differ by one at most', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 40 }), (samples, blocks) => {
        const turns = blockTurns(samples, blocks);
        expect(turns).toHaveLength(Math.min(samples, blocks));
        expect(turns.reduce((sum, each) => sum + each, 0)).toBe(samples);
        expect(Math.max(...turns) - Math.min(...turns)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('shares clients among workers, none without one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 64 }), (clients, workers) => {
        fc.pre(workers <= clients);
        const shares = Array.from({ length: workers }, (_, index) => shareOf(clients, { index, of: workers }));
        expect(shares.reduce((sum, each) => sum + each, 0)).toBe(clients);
        expect(Math.min(...shares)).toBeGreaterThanOrEqual(1);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('the schedule of an open loop', () => {
  it('ascends, is the same for the same seed, and stretches with the rate', () => {
    fc.assert(
      fc.property(seeds, fc.double({ min: 0.1, max: 1e5, noNaN: true }), (seed, rate) => {
        const arrivals = poissonArrivals(200, rate, seed);
        expect(arrivals).toEqual(poissonArrivals(200, rate, seed));
        for (let place = 1; place < arrivals.length; place += 1)
          expect(arrivals[place]!).toBeGreaterThanOrEqual(arrivals[place - 1]!);
        expect(poissonArrivals(200, rate * 2, seed)[199]! * 2).toBeCloseTo(arrivals[199]!, 6);
      }),
      { numRuns: 40 },
    );
  });

  it('has the gaps of a Poisson process: of that mean, as spread as their mean, one of e longer than it', () => {
    // Fixed seeds: the bounds are five standard errors of 20,000 gaps, so that a right schedule keeps them for all of these.
    for (const seed of [1, 2, 3, 4, 5]) {
      const count = 20_000;
      const arrivals = poissonArrivals(count, 250, seed);
      const gaps = Array.from(arrivals, (at, place) => at - (arrivals[place - 1] ?? 0));
      const mean = gaps.reduce((sum, gap) => sum + gap, 0) / count;
      const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / count);
      const longer = gaps.filter((gap) => gap > mean).length / count;
      expect(Math.abs(mean / 4 - 1)).toBeLessThan(5 / Math.sqrt(count));
      expect(Math.abs(deviation / mean - 1)).toBeLessThan((5 * Math.sqrt(2)) / Math.sqrt(count));
      expect(Math.abs(longer - Math.exp(-1))).toBeLessThan((5 * 0.5) / Math.sqrt(count));
    }
  });
});
