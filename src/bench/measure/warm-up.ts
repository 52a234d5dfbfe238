import type { RunContext } from '../../core/context.ts';
import { type Load, runMix } from './closed-loop.ts';

const WARM_UP_TURNS = 10;
const MOST_WARM_UP_ROUNDS = 8;
/** A round that is not this much faster than the one before ends the warm-up. */
const STILL_WARMING = 0.95;

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
