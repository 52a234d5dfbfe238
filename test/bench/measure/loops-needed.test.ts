import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { needsMoreLoops } from '../../../src/bench/measure/loops-needed.ts';

describe('the event loops that a run needs', () => {
  it('are more for a closed loop whose warm-up kept them at work, whatever a request took', () => {
    expect(needsMoreLoops({ busy: 0.95, loopMsPerRequest: 0.01 }, null, 1)).toBe(true);
    expect(needsMoreLoops({ busy: 0.6, loopMsPerRequest: 5 }, null, 1)).toBe(false);
  });

  it('follow from the rate of a schedule, however busy the warm-up was', () => {
    const warm = { busy: 1, loopMsPerRequest: 0.3 };
    expect(needsMoreLoops(warm, 100, 1)).toBe(false);
    expect(needsMoreLoops(warm, 2000, 1)).toBe(true);
    expect(needsMoreLoops(warm, 2000, 2)).toBe(false);
  });

  it('are never fewer for a higher rate', () => {
    const rates = fc.tuple(
      fc.double({ min: 0.1, max: 1e5, noNaN: true }),
      fc.double({ min: 0.1, max: 1e5, noNaN: true }),
    );
    fc.assert(
      fc.property(
        rates,
        fc.double({ min: 0.01, max: 50, noNaN: true }),
        fc.integer({ min: 1, max: 8 }),
        ([a, b], ms, loops) => {
          const needs = (rate: number) => needsMoreLoops({ busy: 1, loopMsPerRequest: ms }, rate, loops);
          expect(needs(Math.max(a, b)) || !needs(Math.min(a, b))).toBe(true);
        },
      ),
    );
  });
});
