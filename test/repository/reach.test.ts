import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatLsn, parseLsn } from '../../src/core/lsn.ts';
import { type BasePoint, reachOf } from '../../src/repository/reach.ts';
import { parseHistory, pathTo, timelineAt } from '../../src/repository/timeline.ts';
import type { WalListing } from '../../src/repository/wal-archive.ts';
import { segmentName, segmentNumber, startOfSegment } from '../../src/repository/wal-names.ts';

const SIZE = 16 * 1024 * 1024;
const lsnOf = (segment: number, offset = 0) => BigInt(segment) * BigInt(SIZE) + BigInt(offset);

function listing(names: readonly string[], partials: readonly [string, bigint][] = []): WalListing {
  const file = (name: string) => ({ name, key: name, sizeBytes: 1, modifiedAt: new Date(0) });
  return {
    segments: new Map(names.map((name) => [name, file(name)])),
    partials: partials.map(([name, lsn]) => ({ ...file(name), lsn })),
    histories: new Map(),
    others: [],
  };
}

const run = (timeline: number, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => segmentName(timeline, BigInt(from + index), SIZE));

const base: BasePoint = { label: 'b', timeline: 1, startLsn: lsnOf(4, 40), stopLsn: lsnOf(4, 312) };

describe('how far replay gets', () => {
  it('ends behind the last segment without a hole', () => {
    const reach = reachOf(base, listing(run(1, 2, 9)), new Map(), SIZE);
    expect(reach).toMatchObject({ timeline: 1, endLsn: lsnOf(10), missing: undefined, segments: run(1, 4, 9) });
  });

  it('names the first missing segment and does not look behind it', () => {
    const reach = reachOf(base, listing([...run(1, 4, 5), ...run(1, 7, 9)]), new Map(), SIZE);
    expect(reach).toMatchObject({ endLsn: lsnOf(6), missing: run(1, 6, 6)[0], segments: run(1, 4, 5) });
  });

  it('reaches the end of the backup when the archive has nothing', () => {
    expect(reachOf(base, listing([]), new Map(), SIZE)).toMatchObject({
      endLsn: base.stopLsn,
      segments: [],
      missing: undefined,
    });
  });

  it('takes what a receiver had of the open segment, the newest upload of it, and only at the end', () => {
    const open = run(1, 6, 6)[0]!;
    const partials: [string, bigint][] = [
      [open, lsnOf(6, 100)],
      [open, lsnOf(6, 900)],
    ];
    expect(reachOf(base, listing(run(1, 4, 5), partials), new Map(), SIZE).endLsn).toBe(lsnOf(6, 900));
    const followed = reachOf(base, listing([...run(1, 4, 5), ...run(1, 7, 7)], partials), new Map(), SIZE);
    expect(followed).toMatchObject({ partial: undefined, missing: open, endLsn: lsnOf(6) });
  });

  it('follows the newest timeline that left the own one behind the backup', () => {
    const histories = new Map([
      [2, [{ timeline: 1, switchLsn: lsnOf(6, 500) }]],
      [3, [{ timeline: 1, switchLsn: lsnOf(4, 100) }]],
    ]);
    const names = [...run(1, 4, 6), ...run(2, 6, 8), ...run(3, 4, 12)];
    const reach = reachOf(base, listing(names), histories, SIZE);
    expect(reach).toMatchObject({ timeline: 2, endLsn: lsnOf(9), segments: [...run(1, 4, 5), ...run(2, 6, 8)] });
  });

  it('never claims a byte that no segment, partial or the backup holds (any archive, any hole)', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 20 })),
        fc.integer({ min: 1, max: 20 }),
        (numbers, start) => {
          const from: BasePoint = { label: 'b', timeline: 1, startLsn: lsnOf(start, 40), stopLsn: lsnOf(start, 400) };
          const names = numbers.map((number) => run(1, number, number)[0]!);
          const { endLsn, missing } = reachOf(from, listing(names), new Map(), SIZE);
          let whole = start;
          while (numbers.includes(whole)) whole += 1;
          expect(endLsn).toBe(whole > start ? lsnOf(whole) : numbers.includes(start + 1) ? endLsn : from.stopLsn);
          expect(missing !== undefined).toBe(
            numbers.some((number) => BigInt(number) * BigInt(SIZE) >= endLsn && number > start),
          );
        },
      ),
    );
  });
});

describe('timelines', () => {
  it('are read from history files, and refused when they are none', () => {
    const text = '1\t0/3000158\tno recovery target specified\n\n# comment\n2\t16/B374D848\tbefore 2026-01-01\n';
    expect(parseHistory(text)).toEqual([
      { timeline: 1, switchLsn: 0x3000158n },
      { timeline: 2, switchLsn: 0x16_b374d848n },
    ]);
    expect(parseHistory('nonsense')).toBeUndefined();
    expect(parseHistory('2\t0/1\tx\n1\t0/2\ty\n')).toBeUndefined();
  });

  it('own each byte of their path exactly once', () => {
    const path = pathTo(3, [
      { timeline: 1, switchLsn: 100n },
      { timeline: 2, switchLsn: 200n },
    ]);
    expect([99n, 100n, 199n, 200n, 9999n].map((lsn) => timelineAt(path, lsn))).toEqual([1, 2, 2, 3, 3]);
  });
});

describe('names and positions', () => {
  it('lead to each other', () => {
    const sizes = fc.constantFrom(1, 16, 64, 1024).map((mib) => mib * 1024 * 1024);
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 34n - 1n }),
        sizes,
        fc.integer({ min: 1, max: 9999 }),
        (number, size, timeline) => {
          const name = segmentName(timeline, number, size);
          expect(segmentNumber(name, size)).toBe(number);
          const lsn = startOfSegment(name, size);
          expect(parseLsn(formatLsn(lsn))).toBe(lsn);
        },
      ),
    );
    expect(parseLsn('nothing')).toBeUndefined();
  });
});
