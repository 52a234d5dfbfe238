import type { Clock } from '../../core/clock.ts';
import type { Collector, Reading, ServerFacts } from './collector.ts';

/**
 * The collector asked at most every `everyMs`, with its last reading in between. A reading that left something out is not
 * kept, nor one of another connection.
 */
export function nowAndThen(collector: Collector, everyMs: number, clock: Clock): Collector {
  let last: { readonly reading: Reading; readonly server: ServerFacts; readonly atMs: number } | undefined;
  return {
    ...collector,
    async collect(ask, server) {
      const now = clock.monotonicMs();
      if (last && last.server === server && now - last.atMs < everyMs) return last.reading;
      last = undefined;
      const reading = await collector.collect(ask, server);
      if (!reading.problems?.length) last = { reading, server, atMs: now };
      return reading;
    },
  };
}
