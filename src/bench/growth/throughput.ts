import type { Samples } from '../measure/samples.ts';
import type { ClassThroughput } from '../result.ts';
import { percentile } from '../statistics/percentiles.ts';
import { QUERY_CLASSES, type SuiteQuery } from '../suite/query.ts';

/** Fewer blocks have no interval. */
const LEAST_BLOCKS = 5;

/**
 * What each class of queries got answered in a closed loop, while its clients did nothing else: requests of a block over
 * the time from its first start to its last answer; the median of the blocks, with its 95 % interval. Only the blocks in
 * which every query of the class ran: further samples of what was undecided are a load of their own.
 */
export function throughputOf(queries: readonly SuiteQuery<unknown>[], samples: readonly Samples[]): ClassThroughput[] {
  return QUERY_CLASSES.flatMap((name) => {
    const members = samples.filter((_, place) => queries[place]!.class === name);
    const rates = blockRates(members).sort();
    const perSecond = percentile(rates, 0.5, LEAST_BLOCKS);
    return perSecond === undefined ? [] : [{ class: name, perSecond }];
  });
}

function blockRates(members: readonly Samples[]): Float64Array {
  const blocks = new Map<number, { count: number; begin: number; end: number; members: number }>();
  for (const { latencies, starts, blocks: blockOf } of members) {
    let last = -1;
    for (let row = 0; row < latencies.length; row += 1) {
      const place = blockOf[row]!;
      const block = blocks.get(place) ?? { count: 0, begin: Number.POSITIVE_INFINITY, end: 0, members: 0 };
      block.count += 1;
      block.begin = Math.min(block.begin, starts[row]!);
      block.end = Math.max(block.end, starts[row]! + latencies[row]!);
      if (place !== last) block.members += 1;
      last = place;
      blocks.set(place, block);
    }
  }
  const whole = [...blocks.values()].filter((block) => block.members === members.length && block.end > block.begin);
  return Float64Array.from(whole, ({ count, begin, end }) => (count / (end - begin)) * 1000);
}
