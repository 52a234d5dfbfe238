import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { judgeLatency, worstOf } from '../../src/bench/judge/verdict.ts';
import { nearestRank, percentile, SAMPLE_FLOORS } from '../../src/bench/statistics/percentiles.ts';

const samples = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 400 });
const ascending = (values: number[]) => values.toSorted((a, b) => a - b);

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
    fc.assert(
      fc.property(samples, fc.constantFrom(0.5, 0.9, 0.95, 0.99), (values, p) => {
        const result = percentile(ascending(values), p, 1)!;
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
