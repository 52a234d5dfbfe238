import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { StatementNames } from '../../src/postgres/statement-names.ts';

describe('the names of prepared statements', () => {
  it('are given to a text that comes again, and stay the same', () => {
    const names = new StatementNames();
    expect(names.use('select 1')).toBeUndefined();
    const second = names.use('select 1');
    expect(second?.name).toMatch(/^structdb_[0-9a-f]{40}$/);
    expect(names.use('select 1')).toEqual(second);
    expect(Buffer.byteLength(second!.name)).toBeLessThan(64);
  });

  it('follow from the text alone, so that two sessions name the same the same', () => {
    const [one, other] = [new StatementNames(), new StatementNames()];
    other.use('select 2');
    other.use('select 2');
    const nameIn = (names: StatementNames) => [names.use('select 1'), names.use('select 1')][1]?.name;
    expect(nameIn(one)).toBe(nameIn(other));
  });

  it('are others after a renewal', () => {
    const names = new StatementNames();
    names.use('select 1');
    const before = names.use('select 1')!.name;
    names.renew('select 1');
    const after = names.use('select 1')!.name;
    expect(after).not.toBe(before);
    expect(names.use('select 1')!.name).toBe(after);
  });

  it('never stand for two texts, and never for more than the limit at once; the least recently used goes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 12 }), { maxLength: 300 }), fc.integer({ min: 1, max: 8 }), (uses, most) => {
        const names = new StatementNames(most);
        const open = new Map<string, string>();
        const order: string[] = [];
        for (const text of uses.map((each) => `select ${each}`)) {
          const named = names.use(text);
          if (named === undefined) {
            expect([...open.values()]).not.toContain(text);
            continue;
          }
          expect(open.get(named.name) ?? text).toBe(text);
          open.set(named.name, text);
          order.splice(0, order.length, ...order.filter((name) => name !== named.name), named.name);
          if (named.evicted !== undefined) {
            expect(named.evicted).toBe(order.shift());
            open.delete(named.evicted);
          }
          expect(open.size).toBeLessThanOrEqual(most);
        }
      }),
    );
  });
});
