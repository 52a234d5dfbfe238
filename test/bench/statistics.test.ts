import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { judgeInterim, Latencies } from '../../src/bench/judge/latency.ts';
import { judgeLatency, type Verdict, worstOf } from '../../src/bench/judge/verdict.ts';
import { blockMedians, designEffect } from '../../src/bench/statistics/blocks.ts';
import { nearestRank, percentile, SAMPLE_FLOORS } from '../../src/bench/statistics/percentiles.ts';
import { rankInterval } from '../../src/bench/statistics/rank-interval.ts';
import { Random } from '../../src/sample/index.ts';

const samples = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 400 });
const ascending = (values: number[]) => values.toSorted((a, b) => a - b);
const LOG_FACTORIALS = [0];
for (let n = 1; n <= 2000; n += 1) LOG_FACTORIALS.push(LOG_FACTORIALS.at(-1)! + Math.log(n));

/** P(B = k) by the textbook. */
function binomial(count: number, p: number, k: number): number {
  const choose = LOG_FACTORIALS[count]! - LOG_FACTORIALS[k]! - LOG_FACTORIALS[count - k]!;
  return Math.exp(choose + k * Math.log(p) + (count - k) * Math.log(1 - p));
}

/** P(from ≤ B < to) */
function between(count: number, p: number, from: number, to: number): number {
  let sum = 0;
  for (let k = Math.max(0, from); k < Math.min(count + 1, to); k += 1) sum += binomial(count, p, k);
  return sum;
}

describe('percentiles', () => {
  it('are the smallest sample that at least p of all samples do not exceed', () => {
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 100 }), (values, percent) => {
        const smallest = ascending(values).find(
          (candidate) => values.filter((value) => value <= candidate).length * 100 >= percent * values.length,
        );
        expect(nearestRank(ascending(values), percent / 100)).toBe(smallest);
      }),
    );
  });

  it('lie within their interval', () => {
    const effects = fc.double({ min: 1, max: 20, noNaN: true });
    fc.assert(
      fc.property(samples, fc.constantFrom(0.5, 0.9, 0.95, 0.99), effects, (values, p, effect) => {
        const result = percentile(ascending(values), p, 1, { effect })!;
        expect(result.low).toBeLessThanOrEqual(result.value);
        expect(result.value).toBeLessThanOrEqual(result.high);
      }),
    );
  });

  it('are not given below their floor', () => {
    const values = Array.from({ length: 200 }, (_, index) => index);
    expect(percentile(values.slice(1), 0.95, SAMPLE_FLOORS.p95)).toBeUndefined();
    expect(percentile(values, 0.95, SAMPLE_FLOORS.p95)?.value).toBe(189);
  });
});

describe('the interval of a percentile', () => {
  it('is the narrowest between ranks that leaves at most half of the rest on each side', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2000 }),
        fc.constantFrom(0.5, 0.9, 0.95, 0.99, 0.999),
        fc.constantFrom(0.9, 0.95, 0.99),
        (count, p, level) => {
          const tail = (1 - level) / 2;
          const { low, high } = rankInterval(count, p, { level });
          const tolerance = 1e-9;
          expect(between(count, p, 0, low)).toBeLessThanOrEqual(tail + tolerance);
          expect(between(count, p, 0, low + 1)).toBeGreaterThan(tail - tolerance);
          expect(between(count, p, high, count + 1)).toBeLessThanOrEqual(tail + tolerance);
          expect(between(count, p, high - 1, count + 1)).toBeGreaterThan(tail - tolerance);
        },
      ),
    );
  });

  it('has both ends among the samples from the floors on, also at 99 %', () => {
    for (const [name, p] of Object.entries({ p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999 })) {
      const count = SAMPLE_FLOORS[name as keyof typeof SAMPLE_FLOORS];
      const { low, high } = rankInterval(count, p, { level: 0.99 });
      expect(low).toBeGreaterThanOrEqual(1);
      expect(high).toBeLessThanOrEqual(count);
    }
  });

  it('widens with the root of the design effect', () => {
    const plain = rankInterval(1000, 0.95);
    const wide = rankInterval(1000, 0.95, { effect: 4 });
    expect(Math.abs(950 - wide.low - 2 * (950 - plain.low))).toBeLessThanOrEqual(1);
    expect(Math.abs(wide.high - 950 - 2 * (plain.high - 950))).toBeLessThanOrEqual(1);
  });
});

describe('blocks', () => {
  const blocked = (values: readonly (readonly number[])[]) => ({
    latencies: values.flat(),
    blocks: values.flatMap((block, place) => block.map(() => place)),
  });

  it('have their medians in the order of time', () => {
    const blocks = fc.array(fc.array(fc.integer(), { minLength: 1, maxLength: 9 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(blocks, (values) => {
        expect(blockMedians(blocked(values))).toEqual(values.map((block) => nearestRank(ascending([...block]), 0.5)));
      }),
    );
  });

  it('that are alike leave the intervals alone, one that is slow as a whole does not', () => {
    const random = new Random(1, 1, 1);
    const alike = Array.from({ length: 10 }, () => Array.from({ length: 50 }, () => random.fraction()));
    expect(designEffect(blocked(alike), 0.5)).toBeLessThan(2.5);
    const slow = alike.map((block, place) => (place === 4 ? block.map((value) => value + 1) : block));
    expect(designEffect(blocked(slow), 0.95)).toBeGreaterThan(10);
  });

  it('of independent samples vary as chance does: by 1 in the mean', () => {
    const random = new Random(2, 1, 1);
    const effects = Array.from({ length: 400 }, () =>
      designEffect(blocked(Array.from({ length: 10 }, () => Array.from({ length: 40 }, () => random.fraction()))), 0.5),
    );
    // χ² of nine degrees over nine, cut at 1 from below: its mean is 1.19.
    const mean = effects.reduce((sum, effect) => sum + effect, 0) / effects.length;
    expect(mean).toBeGreaterThan(1.1);
    expect(mean).toBeLessThan(1.3);
  });
});

describe('the verdict on a target', () => {
  it('passes below, fails above and decides nothing between the ends of the interval', () => {
    const p95 = { value: 9, low: 8, high: 11 };
    expect(judgeLatency(p95, 12)).toBe('pass');
    expect(judgeLatency(p95, 7)).toBe('fail');
    expect(judgeLatency(p95, 10)).toBe('inconclusive');
    expect(judgeLatency(undefined, 10)).toBe('inconclusive');
  });

  it('is broken by one failure and left open by one doubt', () => {
    expect(worstOf(['pass', 'inconclusive', 'fail'])).toBe('fail');
    expect(worstOf(['pass', 'inconclusive'])).toBe('inconclusive');
    expect(worstOf(['pass'])).toBe('pass');
  });
});

describe('looking again until it is decided', () => {
  const EXPONENTIAL_P95 = -Math.log(0.05);

  /** As the benchmark does: looks after 200, 400, 800 and 1600 samples of which each may end it, and a last one at 2000. */
  function verdictOf(random: Random, targetMs: number): { readonly verdict: Verdict; readonly samples: number } {
    const latencies: number[] = [];
    const taken = () => ({
      latencies: Float64Array.from(latencies),
      waits: new Float64Array(latencies.length),
      starts: new Float64Array(latencies.length),
      blocks: Uint16Array.from(latencies, (_, row) => Math.floor(row / 20)),
    });
    for (const count of [200, 400, 800, 1600, 2000]) {
      while (latencies.length < count) latencies.push(-Math.log(1 - random.fraction()));
      if (count < 2000 && judgeInterim(taken(), targetMs) === 'inconclusive') continue;
      const p95 = new Latencies(taken()).percentile('p95')!;
      return { verdict: judgeLatency(p95, targetMs), samples: count };
    }
    throw new Error('never reached');
  }

  const TRIALS = 200;
  const verdicts = (targetMs: number) =>
    Array.from({ length: TRIALS }, (_, trial) => verdictOf(new Random(3, 1, trial), targetMs));
  const share = (found: readonly { readonly verdict: Verdict }[], verdict: Verdict) =>
    found.filter((each) => each.verdict === verdict).length / TRIALS;

  it('errs on either side no more often than promised, where the p95 is the target itself', () => {
    const found = verdicts(EXPONENTIAL_P95);
    // 4.5 %, and three standard errors of 200 trials.
    expect(share(found, 'pass')).toBeLessThan(0.045 + 0.044);
    expect(share(found, 'fail')).toBeLessThan(0.045 + 0.044);
  });

  it('decides rightly, and at the first look, where the target is far', () => {
    const below = verdicts(EXPONENTIAL_P95 * 3);
    expect(share(below, 'pass')).toBe(1);
    expect(below.filter(({ samples }) => samples > 200).length / TRIALS).toBeLessThan(0.1);
    expect(share(verdicts(EXPONENTIAL_P95 / 3), 'fail')).toBe(1);
  });

  it('takes an interim look for decided only where the last would say the same', () => {
    for (let trial = 0; trial < 50; trial += 1) {
      const { verdict, samples } = verdictOf(new Random(4, 1, trial), EXPONENTIAL_P95 * 1.2);
      if (samples < 2000) expect(verdict).not.toBe('inconclusive');
    }
  });
});
