import { CompiledQuery, type Kysely } from 'kysely';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import type { Database } from '../../database/types.ts';
import { Random } from '../../sample/index.ts';
import type { Suite, SuiteQuery } from '../suite/query.ts';
import type { Samples } from './samples.ts';

const ORDER_STREAM = 9;

/** What is run, and through what. */
export interface Load {
  readonly db: Kysely<Database>;
  readonly queries: readonly SuiteQuery<unknown>[];
  /** What the suite drew. */
  readonly parameters: Awaited<ReturnType<Suite['draw']>>;
  readonly clients: number;
}

/**
 * Runs each query `turns` times in one shuffled order that all clients take from, each its next query after the last
 * (closed loop). A latency is what an application sees: building, waiting for a connection, running and reading.
 */
export async function runMix(
  { db, queries, parameters, clients }: Load,
  { turns, seed }: { readonly turns: number; readonly seed: number },
  context: RunContext,
): Promise<Samples[]> {
  const order = shuffled(queries.length * turns, seed);
  const samples = queries.map(() => ({ latencies: new Float64Array(turns), waits: new Float64Array(turns) }));
  let next = 0;
  const client = async () => {
    while (next < order.length) {
      stopIfInterrupted(context);
      const ticket = order[next]!;
      next += 1;
      const place = ticket % queries.length;
      const turn = Math.floor(ticket / queries.length);
      const { clock } = context;
      const started = clock.monotonicMs();
      const statement = queries[place]!.build(db, parameters, turn).compile();
      await db.connection().execute(async (connection) => {
        samples[place]!.waits[turn] = clock.monotonicMs() - started;
        await connection.executeQuery(CompiledQuery.raw(statement.sql, [...statement.parameters]));
      });
      samples[place]!.latencies[turn] = clock.monotonicMs() - started;
    }
  };
  // All must have ended before the pool is closed, also when one failed.
  const results = await Promise.allSettled(Array.from({ length: clients }, client));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return samples;
}

/**
 * The classes one after the other, each as `runMix`: aggregations that keep every core busy would otherwise decide how
 * long a simple filter waits.
 */
export async function runByClass(
  load: Load,
  options: { readonly turns: number; readonly seed: number },
  context: RunContext,
): Promise<ReadonlyMap<SuiteQuery<unknown>, Samples>> {
  const found = new Map<SuiteQuery<unknown>, Samples>();
  for (const name of new Set(load.queries.map((query) => query.class))) {
    const queries = load.queries.filter((query) => query.class === name);
    const samples = await runMix({ ...load, queries }, options, context);
    queries.forEach((query, place) => void found.set(query, samples[place]!));
  }
  return found;
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
