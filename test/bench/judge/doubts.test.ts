import { describe, expect, it } from '@jest/globals';
import { describeLoop } from '../../../src/bench/judge/describe-loop.ts';
import {
  clientDoubt,
  otherLoadDoubt,
  scheduleDoubts,
  starvedDoubt,
  unsteadyDoubt,
} from '../../../src/bench/judge/doubts.ts';
import { NO_LAG } from '../../../src/bench/measure/open-loop.ts';
import { Random } from '../../../src/sample/index.ts';

const phase = { phase: 'simple', loop: 0.4, delayMs: 3, activeMs: 1000, processorMs: 900 };
const kinds = (doubts: readonly { readonly kind: string }[]) => doubts.map(({ kind }) => kind);

describe('doubts about a run', () => {
  it('name the queries for which Node was the limit, how busy it was and what to do', () => {
    const [doubt] = clientDoubt([phase, { ...phase, phase: 'complex', loop: 0.93 }], 1, 8);
    expect(doubt?.kind).toBe('client-bound');
    expect(doubt?.message).toMatch(/93 % .*complex queries.*one event loop.*--workers 8/);
    expect(clientDoubt([{ ...phase, loop: 0.93 }], 8, 8)[0]?.message).toMatch(/8 event loops.*more processors/);
    expect(clientDoubt([phase], 1, 8)).toEqual([]);
  });

  it('tell that the machine had no processor for Node', () => {
    expect(starvedDoubt([{ ...phase, processorMs: 300 }])[0]?.message).toContain('In 70 % of the time');
    expect(starvedDoubt([phase])).toEqual([]);
    expect(starvedDoubt([{ ...phase, activeMs: 20, processorMs: 1 }])).toEqual([]);
  });

  it('tell a rate that was not kept, and requests that Node itself began late', () => {
    const where = { workers: 1, processors: 2 };
    const kept = { ...NO_LAG, requests: 1000, late: 30, lateByClient: 10, maxMs: 40, mostQueued: 3 };
    expect(scheduleDoubts(kept, 100, where)).toEqual([]);
    expect(scheduleDoubts(null, null, where)).toEqual([]);
    const [behind] = scheduleDoubts({ ...kept, maxMs: 4000, mostQueued: 380 }, 100, where);
    expect(behind?.kind).toBe('rate-not-kept');
    expect(behind?.message).toMatch(/100 requests per second.*380 waited.*4.0 s late/);
    expect(scheduleDoubts({ ...kept, notBegun: 12 }, 100, where)[0]?.message).toContain('12 never began');
    expect(kinds(scheduleDoubts({ ...kept, lateByClient: 90 }, 100, where))).toEqual(['client-bound']);
  });

  it('name who else used the server, if it was more than a glimpse', () => {
    const quiet = { looks: 30, busyLooks: 1, most: 1, who: ['autovacuum worker'], elsewhere: 0.02 };
    expect(otherLoadDoubt(quiet)).toEqual([]);
    const busy = { ...quiet, busyLooks: 9, most: 3, who: ['role "shop" in database "shop"'] };
    expect(otherLoadDoubt(busy)[0]?.message).toMatch(/9 of 30 looks found up to 3 at work: role "shop"/);
    // A plain role is not told what others do, but that their databases were at work.
    const unseen = { looks: 30, busyLooks: 0, most: 0, who: [], elsewhere: 1.5 };
    expect(otherLoadDoubt(unseen)[0]?.message).toContain('in statements 150 % of the time');
  });

  it('tell latencies that rise and fall together, not those of a query that has two speeds', () => {
    const random = new Random(5, 1, 1);
    const samples = (slow: (block: number, turn: number) => boolean) => {
      const latencies = Float64Array.from(
        { length: 500 },
        (_, row) => (slow(Math.floor(row / 50), row % 50) ? 3 : 1) * (1 + random.fraction() / 4),
      );
      const blocks = Uint16Array.from(latencies, (_, row) => Math.floor(row / 50));
      return { latencies, blocks, waits: new Float64Array(500), starts: new Float64Array(500) };
    };
    const disturbed = { name: 'disturbed', samples: samples((block) => block === 3 || block === 4) };
    const twofold = { name: 'twofold', samples: samples((_, turn) => turn % 3 === 0) };
    expect(unsteadyDoubt([twofold, twofold])).toEqual([]);
    expect(unsteadyDoubt([disturbed, twofold])[0]?.message).toMatch(/1 of 2 queries.*disturbed by \d+ %/);
    expect(unsteadyDoubt([disturbed, twofold, twofold, twofold, twofold])).toEqual([]);
  });
});

describe('every report', () => {
  it('says which loop it was and what its latencies leave out or hold', () => {
    expect(describeLoop({ loop: { kind: 'closed' }, clients: 4, workers: 2, prepared: true })).toMatch(
      /Closed loop in 2 threads, statements prepared: .*4 clients.*coordinated omission/,
    );
    const facts = { ...{ requests: 500, late: 12, lateByClient: 2 }, meanLagMs: 0.2, maxLagMs: 31 };
    const loop = { kind: 'open' as const, ratePerSecond: 50, ...facts, mostQueued: 4, notBegun: 0 };
    expect(describeLoop({ loop, clients: 4, workers: 1, prepared: false })).toMatch(
      /Open loop: 50 requests per second.*scheduled start; 12 of 500 began late, by 31 ms at most \(2 because Node/,
    );
  });
});
