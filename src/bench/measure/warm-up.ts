import { QUERY_CLASSES, type SuiteQuery } from '../suite/query.ts';
import type { Crew } from './crew.ts';

const WARM_UP_TURNS = 10;
/** A session prepares a statement when it comes again, and its plan is settled after five more (plancache.c). */
const PREPARED_TURNS = 8;
const MOST_ROUNDS = 12;
/** A round that is not this much faster than the fastest before it ends the warm-up. */
const STILL_WARMING = 0.95;

export interface WarmUp {
  readonly rounds: number;
  /** Whether it ended because nothing became faster any more, not because of a limit. */
  readonly steady: boolean;
  /** How busy the event loops were with the class of queries that kept them busiest, in the last round; 0 to 1. */
  readonly busy: number;
  /** Time of an event loop that a request took, of all queries alike, in the last round, ms. */
  readonly loopMsPerRequest: number;
}

/**
 * Runs the suite in rounds until one is hardly faster than the fastest before it: caches fill, V8 compiles. The classes run
 * one after the other, as they will be timed. Ends after twelve rounds or the time given, also in the middle of a round.
 * `places`: of these queries alone.
 */
export async function warmUp(
  crew: Crew,
  queries: readonly SuiteQuery<unknown>[],
  limitMs: number,
  signal: AbortSignal,
  places: readonly number[] = queries.map((_, place) => place),
): Promise<WarmUp> {
  const began = performance.now();
  const left = () => limitMs - (performance.now() - began);
  const groups = placesByClass(queries)
    .map((members) => members.filter((place) => places.includes(place)))
    .filter((members) => members.length > 0);
  let fastest = Number.POSITIVE_INFINITY;
  let busy = 0;
  let loopMsPerRequest = 0;
  for (let round = 1; round <= MOST_ROUNDS; round += 1) {
    const started = performance.now();
    busy = 0;
    let activeMs = 0;
    let requests = 0;
    // In the first, each session comes to prepare what it asks.
    const turns = round === 1 && crew.prepare ? Math.max(WARM_UP_TURNS, PREPARED_TURNS * crew.clients) : WARM_UP_TURNS;
    for (const members of groups) {
      const stretch = { places: members, turns: [turns], firstBlock: round, firstTurn: 0, seed: 0 };
      const outcome = await crew.run({ ...stretch, ratePerSecond: null, limitMs: Math.max(0, left()) }, signal);
      busy = Math.max(busy, outcome.busy.loop);
      activeMs += outcome.busy.activeMs;
      requests += outcome.parts.reduce((sum, { count }) => sum + count, 0);
    }
    if (requests > 0) loopMsPerRequest = activeMs / requests;
    const took = performance.now() - started;
    if (signal.aborted || left() <= 0) return { rounds: round, steady: false, busy, loopMsPerRequest };
    if (took > fastest * STILL_WARMING) return { rounds: round, steady: true, busy, loopMsPerRequest };
    fastest = Math.min(fastest, took);
  }
  return { rounds: MOST_ROUNDS, steady: false, busy, loopMsPerRequest };
}

/** Which queries run together: a simple filter does not wait for a processor behind an aggregation. */
export function placesByClass(queries: readonly SuiteQuery<unknown>[]): number[][] {
  return QUERY_CLASSES.map((name) => queries.flatMap((query, place) => (query.class === name ? [place] : []))).filter(
    (places) => places.length > 0,
  );
}
