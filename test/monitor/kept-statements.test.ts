import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KeptStatements } from '../../src/monitor/collect/kept-statements.ts';

const HOUR = 3_600_000;
const everybody = () => true;

describe('statements that are told', () => {
  it('stay for an hour after they were last among those that take the most', () => {
    const kept = new KeptStatements(2);
    kept.update(['a', 'b'], everybody, 0);
    kept.update(['a', 'c'], everybody, 1000);
    expect(kept.keys).toEqual(['b', 'a', 'c']);
    kept.update(['a', 'c'], everybody, HOUR - 1);
    expect(kept.keys).toContain('b');
    kept.update(['a', 'c'], everybody, HOUR);
    expect(kept.keys).toEqual(['a', 'c']);
  });

  it('go earlier where their room is needed, and where the server forgot them', () => {
    const kept = new KeptStatements(2);
    kept.update(['a', 'b'], everybody, 0);
    kept.update(['c', 'd'], everybody, 1);
    expect(kept.keys).toEqual(['a', 'b', 'c', 'd']);
    kept.update(['d', 'e'], everybody, 2);
    expect(kept.keys).toEqual(['b', 'c', 'd', 'e']);
    kept.update(['e', 'd'], (key) => key !== 'c', 3);
    expect(kept.keys).toEqual(['b', 'e', 'd']);
  });

  it('are all that take the most now, and never more than twice as many', () => {
    const told = 3;
    const top = fc.uniqueArray(fc.integer({ min: 0, max: 15 }).map(String), { maxLength: told });
    const step = fc.record({
      top,
      gone: fc.uniqueArray(fc.integer({ min: 0, max: 15 }).map(String)),
      after: fc.nat(HOUR),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const kept = new KeptStatements(told);
        const lastSeen = new Map<string, number>();
        let now = 0;
        for (const { top: current, gone, after } of steps) {
          now += after;
          for (const key of current) lastSeen.set(key, now);
          const present = (key: string) => current.includes(key) || !gone.includes(key);
          const before = kept.keys;
          kept.update(current, present, now);
          const { keys } = kept;
          expect(keys).toEqual(expect.arrayContaining(current));
          expect(keys.length).toBeLessThanOrEqual(2 * told);
          for (const key of keys) {
            expect(present(key)).toBe(true);
            expect(current.includes(key) || now - lastSeen.get(key)! < HOUR).toBe(true);
          }
          // Nobody left whose room was not needed.
          for (const key of before)
            if (present(key) && now - lastSeen.get(key)! < HOUR && !keys.includes(key))
              expect(keys).toHaveLength(2 * told);
        }
      }),
    );
  });
});
