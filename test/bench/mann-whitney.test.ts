import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { holm } from '../../src/bench/statistics/holm.ts';
import { leastP, mannWhitney } from '../../src/bench/statistics/mann-whitney.ts';

const small = fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 5 });
const large = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 22, maxLength: 40 });

/** Pairs in which a is larger, ties as a half: the definition. */
const pairs = (a: readonly number[], b: readonly number[]) =>
  a.flatMap((x) => b.map((y): number => (x > y ? 1 : x === y ? 0.5 : 0))).reduce((sum, each) => sum + each, 0);

/** p by its definition: every choice of a's values out of all, how far its U is from the middle. */
function enumerated(a: readonly number[], b: readonly number[]): number {
  const all = [...a, ...b];
  const middle = (a.length * b.length) / 2;
  const observed = Math.abs(pairs(a, b) - middle);
  let [extreme, count] = [0, 0];
  for (let mask = 0; mask < 2 ** all.length; mask += 1) {
    const chosen = all.filter((_, place) => mask & (1 << place));
    if (chosen.length !== a.length) continue;
    count += 1;
    const others = all.filter((_, place) => !(mask & (1 << place)));
    if (Math.abs(pairs(chosen, others) - middle) >= observed) extreme += 1;
  }
  return extreme / count;
}

describe('the Mann–Whitney test', () => {
  it('counts U and p as their definitions do, ties included', () => {
    fc.assert(
      fc.property(small, small, (a, b) => {
        const found = mannWhitney(a, b);
        expect(found.exact).toBe(true);
        expect(found.u).toBe(pairs(a, b));
        expect(found.p).toBeCloseTo(enumerated(a, b), 12);
      }),
      { numRuns: 60 },
    );
  });

  it('says the same of both samples swapped, the effect turned round', () => {
    fc.assert(
      fc.property(fc.oneof(small, large), fc.oneof(small, large), (a, b) => {
        const [there, back] = [mannWhitney(a, b), mannWhitney(b, a)];
        expect(there.p).toBeCloseTo(back.p, 12);
        expect(there.u + back.u).toBe(a.length * b.length);
        expect(there.effect).toBeCloseTo(-back.effect, 12);
      }),
    );
  });

  it('depends on the order of the values alone, and its p lies between the least possible and 1', () => {
    fc.assert(
      fc.property(fc.oneof(small, large), fc.oneof(small, large), (a, b) => {
        const found = mannWhitney(a, b);
        const stretch = (value: number) => Math.exp(value / 10) - 3;
        expect(mannWhitney(a.map(stretch), b.map(stretch))).toEqual(found);
        expect(found.p).toBeLessThanOrEqual(1);
        if (found.exact) expect(found.p).toBeGreaterThanOrEqual(leastP(a.length, b.length) / 2);
        expect(Math.abs(found.effect)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('sees no difference between a sample and itself', () => {
    fc.assert(fc.property(fc.oneof(small, large), (a) => expect(mannWhitney(a, a)).toMatchObject({ p: 1, effect: 0 })));
  });

  it('finds the published values', () => {
    // scipy.stats.mannwhitneyu, the example of its manual: U = 17, exact p = 0.1111; 0.11134688653314041 approximated.
    expect(mannWhitney([19, 22, 16, 29, 24], [20, 11, 17, 12])).toMatchObject({ u: 17, exact: true });
    expect(mannWhitney([19, 22, 16, 29, 24], [20, 11, 17, 12]).p).toBeCloseTo(14 / 126, 12);
    // R, ?wilcox.test, permeability constants of Hollander & Wolfe (1973), 69f.: W = 35, one-sided p = 0.1272.
    const term = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
    const early = [1.15, 0.88, 0.9, 0.74, 1.21];
    expect(mannWhitney(term, early).u).toBe(35);
    expect(mannWhitney(term, early).p / 2).toBeCloseTo(0.1272, 4);
    // The table of critical values for 10 and 10: U = 23 is the last below 0.05.
    const apart = (u: number) => {
      const b = Array.from({ length: 10 }, (_, place) => place * 10);
      const a = Array.from({ length: 10 }, (_, place) => -1000 + place);
      let left = u;
      return mannWhitney(
        a.map((value) => {
          const over = Math.min(10, left);
          left -= over;
          return over === 0 ? value : over * 10 - 5 + value / 1000;
        }),
        b,
      );
    };
    expect(apart(23).u).toBe(23);
    expect(apart(23).p).toBeLessThan(0.05);
    expect(apart(24).p).toBeGreaterThan(0.05);
  });

  it('approximates what it no longer counts, ties and continuity corrected', () => {
    // Exact up to 400 pairs: one more value on either side must change p by little.
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 41, maxLength: 41 }), (values) => {
        const [a, b] = [values.slice(0, 20), values.slice(20)];
        const approximated = mannWhitney(a, b);
        expect(approximated.exact).toBe(false);
        const exact = enumeratedBySums(a, b);
        expect(Math.abs(approximated.p - exact)).toBeLessThan(0.012);
      }),
      { numRuns: 10 },
    );
    const [low, high] = [Array.from({ length: 30 }, (_, i) => i), Array.from({ length: 30 }, (_, i) => i + 100)];
    // z = (450 − 0.5) / √(900 · 61 / 12)
    expect(mannWhitney(low, high).p).toBeCloseTo(3.018e-11, 13);
  });

  it('knows from which sizes on it can decide', () => {
    expect(leastP(3, 3)).toBeCloseTo(0.1, 12);
    expect(leastP(4, 4)).toBeCloseTo(2 / 70, 12);
    expect(leastP(10, 10)).toBeCloseTo(2 / 184_756, 12);
    expect(leastP(0, 10)).toBe(1);
    const [low, high] = [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ];
    expect(mannWhitney(low, high).p).toBeCloseTo(leastP(4, 4), 12);
  });
});

/** p by the distribution of all sums of doubled ranks. */
function enumeratedBySums(a: readonly number[], b: readonly number[]): number {
  const all = [...a, ...b];
  const rank = (value: number) =>
    all.filter((other) => other < value).length * 2 + all.filter((other) => other === value).length + 1;
  const ranks = all.map(rank);
  const ways = Array.from({ length: a.length + 1 }, () => new Map<number, number>());
  ways[0]!.set(0, 1);
  for (const each of ranks)
    for (let chosen = a.length; chosen > 0; chosen -= 1)
      for (const [sum, count] of ways[chosen - 1]!)
        ways[chosen]!.set(sum + each, (ways[chosen]!.get(sum + each) ?? 0) + count);
  const middle = (a.length * ranks.reduce((sum, each) => sum + each, 0)) / all.length;
  const deviation = Math.abs(a.map(rank).reduce((sum, each) => sum + each, 0) - middle);
  let [extreme, total] = [0, 0];
  for (const [sum, count] of ways[a.length]!) {
    total += count;
    if (Math.abs(sum - middle) >= deviation - 1e-9) extreme += count;
  }
  return extreme / total;
}

describe('Holm’s correction', () => {
  it('raises the smallest most, and keeps the order', () => {
    // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    expect(holm([0.01, 0.04, 0.03, 0.005]).map((p) => Number(p.toFixed(10)))).toEqual([0.03, 0.06, 0.06, 0.02]);
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 }), (values) => {
        const adjusted = holm(values);
        values.forEach((p, place) => {
          expect(adjusted[place]).toBeGreaterThanOrEqual(p);
          expect(adjusted[place]).toBeLessThanOrEqual(1);
          values.forEach((other, at) => {
            if (other < p) expect(adjusted[at]).toBeLessThanOrEqual(adjusted[place]!);
          });
        });
      }),
    );
  });
});
