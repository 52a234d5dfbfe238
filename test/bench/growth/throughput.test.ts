import { describe, expect, it } from '@jest/globals';
import { throughputOf } from '../../../src/bench/growth/throughput.ts';
import type { Samples } from '../../../src/bench/measure/samples.ts';
import type { SuiteQuery } from '../../../src/bench/suite/query.ts';

const query = (name: string, of: string) => ({ name, class: of }) as SuiteQuery<unknown>;

/** Blocks of two requests of 5 ms, one behind the other, each block 100 ms after the last. */
function samplesOf(blocks: number, shiftMs: number): Samples {
  const rows = Array.from({ length: blocks * 2 }, (_, row) => row);
  return {
    latencies: Float64Array.from(rows, () => 5),
    waits: new Float64Array(rows.length),
    starts: Float64Array.from(rows, (row) => Math.floor(row / 2) * 100 + (row % 2) * 5 + shiftMs),
    blocks: Uint16Array.from(rows, (row) => Math.floor(row / 2)),
  };
}

describe('the throughput of a class', () => {
  it('is what all its queries got answered while they ran; pauses between the blocks are left out', () => {
    const queries = [query('a', 'simple'), query('b', 'simple'), query('c', 'complex')];
    const found = throughputOf(queries, [samplesOf(10, 0), samplesOf(10, 10), samplesOf(10, 50)]);
    expect(found.map(({ class: name, perSecond }) => [name, perSecond.value])).toEqual([
      ['simple', expect.closeTo(200)],
      ['complex', expect.closeTo(200)],
    ]);
  });

  it('leaves out blocks in which only some queries ran on, and is none with few blocks', () => {
    const queries = [query('a', 'simple'), query('b', 'simple')];
    const further = samplesOf(40, 0);
    const [simple] = throughputOf(queries, [further, samplesOf(10, 10)]);
    expect(simple!.perSecond.value).toBeCloseTo(200);
    expect(throughputOf(queries, [further, samplesOf(4, 10)])).toEqual([]);
  });
});
