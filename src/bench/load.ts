import type { Kysely } from 'kysely';
import type { BenchQuery, Parameters } from '../../benchmarks/suites/platform.ts';
import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import type { Database } from '../database/types.ts';
import { Random } from '../sample/index.ts';

const ORDER_STREAM = 9;
const WARM_UP_TURNS = 10;
const MOST_WARM_UP_ROUNDS = 8;
/** A round that is not this much faster than the one before ends the warm-up. */
const STILL_WARMING = 0.95;

export interface Load {
  readonly db: Kysely<Database>;
  readonly suite: readonly BenchQuery[];
  readonly parameters: Parameters;
  readonly clients: number;
}

/** Runs the suite until a round is hardly faster than the one before: caches fill, V8 compiles. Gives the rounds. */
export async function warmUp(load: Load, context: RunContext): Promise<number> {
  let last = Number.POSITIVE_INFINITY;
  for (let round = 1; round <= MOST_WARM_UP_ROUNDS; round += 1) {
    const started = context.clock.monotonicMs();
    await runMix(load, { turns: WARM_UP_TURNS, seed: round }, context);
    const took = context.clock.monotonicMs() - started;
    if (took > last * STILL_WARMING) return round;
    last = took;
  }
  return MOST_WARM_UP_ROUNDS;
}

/**
 * Runs each query `turns` times in one shuffled order that all clients take from, each its next query after the last
 * (closed loop). Gives each query's latencies in ms, ascending, as an application sees them: building, waiting for a
 * connection, running and reading.
 */
export async function runMix(
  { db, suite, parameters, clients }: Load,
  { turns, seed }: { readonly turns: number; readonly seed: number },
  context: RunContext,
): Promise<Float64Array[]> {
  const order = shuffled(suite.length * turns, seed);
  const samples = suite.map(() => new Float64Array(turns));
  let next = 0;
  const client = async () => {
    while (next < order.length) {
      stopIfInterrupted(context);
      const ticket = order[next]!;
      next += 1;
      const place = ticket % suite.length;
      const turn = Math.floor(ticket / suite.length);
      const started = context.clock.monotonicMs();
      await suite[place]!.build(db, parameters, turn).execute();
      samples[place]![turn] = context.clock.monotonicMs() - started;
    }
  };
  // All must have ended before the pool is closed, also when one failed.
  const results = await Promise.allSettled(Array.from({ length: clients }, client));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return samples.map((values) => values.sort());
}

/**
 * The classes one after the other, each as `runMix`: aggregations that keep every core busy would otherwise decide how
 * long a simple filter waits.
 */
export async function runByClass(
  load: Load,
  options: { readonly turns: number; readonly seed: number },
  context: RunContext,
): Promise<ReadonlyMap<BenchQuery, Float64Array>> {
  const samples = new Map<BenchQuery, Float64Array>();
  for (const name of new Set(load.suite.map((query) => query.class))) {
    const suite = load.suite.filter((query) => query.class === name);
    const sorted = await runMix({ ...load, suite }, options, context);
    suite.forEach((query, place) => void samples.set(query, sorted[place]!));
  }
  return samples;
}

function shuffled(count: number, seed: number): Uint32Array {
  const random = new Random(seed, ORDER_STREAM, 0);
  const order = Uint32Array.from({ length: count }, (_, place) => place);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = random.between(0, last);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
