import { setTimeout as delay, setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { LoopOptions } from './closed-loop.ts';
import { type Load, request } from './request.ts';
import { emptyRecords, type Records } from './samples.ts';
import { poissonArrivals, type Stretch, ticketsOf } from './stretch.ts';

/** How well a schedule was kept. Times in milliseconds. */
export interface Lag {
  readonly requests: number;
  /** Began more than a millisecond after their scheduled time; their latency counts from that time all the same. */
  readonly late: number;
  /** Those of them that began late although a connection was free: Node was busy. */
  readonly lateByClient: number;
  readonly sumMs: number;
  readonly maxMs: number;
  /** Most requests that waited at once for one of the connections. */
  readonly mostQueued: number;
  /** Their time had come, but no connection was free before the run was stopped or its time was up. */
  readonly notBegun: number;
}

export const NO_LAG: Lag = Object.freeze({
  requests: 0,
  late: 0,
  lateByClient: 0,
  sumMs: 0,
  maxMs: 0,
  mostQueued: 0,
  notBegun: 0,
});

const LATE_MS = 1;
/** A timer may ring a millisecond late: the rest of a gap is waited for turn by turn of the event loop. */
const TIMER_PRECISION_MS = 1.2;
/** How long a wish to stop may go unnoticed. */
const LOOK_UP_MS = 100;

/**
 * Requests that arrive by a schedule of their own, whether or not earlier ones are answered (open loop). No more are under
 * way than there are clients; the others wait in a queue, and a latency counts from the scheduled time, so that a slow
 * answer is felt by all who came meanwhile. None is left out: the queue is worked off after the last arrival.
 */
export async function runOpenLoop(
  load: Load,
  stretch: Stretch & { readonly ratePerSecond: number },
  { share, shiftMs, signal }: LoopOptions,
): Promise<{ readonly records: Records; readonly lag: Lag }> {
  const tickets = ticketsOf(stretch);
  const arrivals = poissonArrivals(tickets.places.length, stretch.ratePerSecond, stretch.seed + stretch.firstBlock);
  const mine = Uint32Array.from(
    { length: Math.ceil((arrivals.length - share.index) / share.of) },
    (_, turn) => share.index + turn * share.of,
  );
  const records = emptyRecords(mine.length);
  const lag = { ...NO_LAG };
  const began = performance.now();
  const elapsed = () => performance.now() - began;
  const underWay = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  let arrived = 0;
  let begun = 0;
  const stopped = () =>
    failure !== undefined || signal.aborted || (stretch.limitMs !== null && elapsed() > stretch.limitMs);

  const ask = async (row: number, free: boolean) => {
    const ticket = mine[row]!;
    const scheduled = arrivals[ticket]!;
    const late = elapsed() - scheduled;
    if (late > LATE_MS) {
      lag.late += 1;
      if (free) lag.lateByClient += 1;
    }
    lag.sumMs += late;
    lag.maxMs = Math.max(lag.maxMs, late);
    records.places[row] = tickets.places[ticket]!;
    records.blocks[row] = tickets.blocks[ticket]!;
    records.starts[row] = began + scheduled + shiftMs;
    await request(load, tickets.places[ticket]!, tickets.turns[ticket]!, () => {
      records.waits[row] = elapsed() - scheduled;
    });
    records.latencies[row] = elapsed() - scheduled;
  };
  const begin = (free: boolean) => {
    while (begun < arrived && underWay.size < load.clients && !stopped()) {
      const asking: Promise<void> = ask(begun, free)
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => {
          underWay.delete(asking);
          begin(false);
        });
      underWay.add(asking);
      begun += 1;
    }
    lag.mostQueued = Math.max(lag.mostQueued, arrived - begun);
  };

  while (arrived < mine.length && !stopped()) {
    const gap = arrivals[mine[arrived]!]! - elapsed();
    if (gap > TIMER_PRECISION_MS + 1) await delay(Math.min(LOOK_UP_MS, Math.floor(gap - TIMER_PRECISION_MS)));
    else if (gap > 0) await turnOfTheLoop();
    else {
      const free = arrived === begun && underWay.size < load.clients;
      arrived += 1;
      begin(free);
    }
  }
  while (underWay.size > 0) await Promise.race(underWay);
  if (failure) throw failure.error;
  return { records: { ...records, count: begun }, lag: { ...lag, requests: begun, notBegun: arrived - begun } };
}

/** Of workers, or stretches, together. */
export function addLag(a: Lag, b: Lag): Lag {
  return {
    requests: a.requests + b.requests,
    late: a.late + b.late,
    lateByClient: a.lateByClient + b.lateByClient,
    sumMs: a.sumMs + b.sumMs,
    maxMs: Math.max(a.maxMs, b.maxMs),
    mostQueued: a.mostQueued + b.mostQueued,
    notBegun: a.notBegun + b.notBegun,
  };
}
