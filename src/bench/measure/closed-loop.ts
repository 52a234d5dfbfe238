import type { RunContext } from '../../core/context.ts';
import { type Load, request } from './request.ts';
import { emptyRecords, type Records, SampleStore, type Samples } from './samples.ts';
import { type Share, type Stretch, ticketsOf, WHOLE } from './stretch.ts';

/** How a loop is to run, and when it has to end early. */
export interface LoopOptions {
  readonly share: Share;
  /** Added to performance.now() it gives milliseconds since the run began. */
  readonly shiftMs: number;
  readonly signal: AbortSignal;
}

/**
 * Clients that take their next request when the last is answered: each stretch's requests in one order that all take
 * from. Ends early, with what there is, when the signal says so or the time is up.
 */
export async function runClosedLoop(load: Load, stretch: Stretch, options: LoopOptions): Promise<Records> {
  const { share, shiftMs, signal } = options;
  const tickets = ticketsOf(stretch);
  const records = emptyRecords(Math.ceil((tickets.places.length - share.index) / share.of));
  const began = performance.now();
  let next = share.index;
  let count = 0;
  let failed = false;
  const client = async () => {
    while (next < tickets.places.length && !failed && !signal.aborted) {
      const ticket = next;
      next += share.of;
      const started = performance.now();
      if (stretch.limitMs !== null && started - began > stretch.limitMs) return;
      // The row is taken now, so that rows are in the order of starts: whatever has begun is answered, or all fails.
      const row = count;
      count += 1;
      let connected = started;
      await request(load, tickets.places[ticket]!, tickets.turns[ticket]!, () => {
        connected = performance.now();
      });
      records.places[row] = tickets.places[ticket]!;
      records.blocks[row] = tickets.blocks[ticket]!;
      records.starts[row] = started + shiftMs;
      records.waits[row] = connected - started;
      records.latencies[row] = performance.now() - started;
    }
  };
  const clients = Array.from({ length: load.clients }, () =>
    client().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  // All must have ended before the pool is closed, also when one failed.
  for (const result of await Promise.allSettled(clients)) if (result.status === 'rejected') throw result.reason;
  return { ...records, count };
}

/** Runs each query `turns` times, mixed, in a closed loop of this thread. The samples of each, by its place. */
export async function runMix(
  load: Load,
  { turns, seed, limitMs = null }: { readonly turns: number; readonly seed: number; readonly limitMs?: number | null },
  context: Pick<RunContext, 'signal'>,
): Promise<Samples[]> {
  const places = load.queries.map((_, place) => place);
  const stretch = { places, turns: [turns], firstBlock: 0, firstTurn: 0, seed, ratePerSecond: null, limitMs };
  const { signal } = context;
  const store = new SampleStore(places.length, turns);
  store.add([await runClosedLoop(load, stretch, { share: WHOLE, shiftMs: -performance.now(), signal })]);
  return places.map((place) => store.of(place));
}
