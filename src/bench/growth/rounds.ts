import { blockTurns } from '../measure/stretch.ts';

/** The two sizes that a growth lies between. */
export type End = 'smallest' | 'largest';

/** There and back, so that what changes steadily with the time weighs on both ends alike. */
const LEGS: readonly { readonly end: End; readonly half: number }[] = Object.freeze([
  { end: 'smallest', half: 0 },
  { end: 'largest', half: 0 },
  { end: 'largest', half: 1 },
  { end: 'smallest', half: 1 },
]);

export interface GrowthRounds {
  /** The queries that growth leaves undecided, by their place in the suite. */
  readonly places: readonly number[];
  /** Samples that there are of a query at one end. */
  readonly countOf: (end: End, place: number) => number;
  /** What a first round has at least. */
  readonly samples: number;
  /** Of each query at each end, all runs counted. */
  readonly mostSamples: number;
  /** For all rounds together. */
  readonly limitMs: number;
  /** Whether what is there decides about the query; asked after each round. */
  readonly isDecided: (place: number) => boolean;
  /** Takes so many more samples of each of these queries, in that time at most. */
  readonly take: (end: End, places: readonly number[], samples: number, limitMs: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Runs what growth leaves undecided further at both ends by turns, twice as many samples each time, until every query is
 * decided, has the most samples at both ends, or the time is up. Gives the number of rounds.
 */
export async function runUntilGrowthDecided(rounds: GrowthRounds): Promise<number> {
  const { places, limitMs, isDecided, take, signal } = rounds;
  const began = performance.now();
  const left = () => limitMs - (performance.now() - began);
  for (let round = 0; ; round += 1) {
    const undecided = places.filter((place) => !isDecided(place));
    const wanted = {
      smallest: wantedAt('smallest', undecided, rounds),
      largest: wantedAt('largest', undecided, rounds),
    };
    if (wanted.smallest.size + wanted.largest.size === 0 || left() <= 0 || signal.aborted) return round;
    for (const { end, half } of LEGS) {
      for (const [more, members] of wanted[end]) {
        const count = blockTurns(more, 2)[half] ?? 0;
        if (count > 0 && left() > 0 && !signal.aborted) await take(end, members, count, left());
      }
    }
  }
}

/** The queries that have room for more samples at this end, by how many more: what is there is doubled. */
function wantedAt(
  end: End,
  undecided: readonly number[],
  { countOf, samples, mostSamples }: GrowthRounds,
): Map<number, number[]> {
  const more = (place: number) => {
    const count = countOf(end, place);
    return Math.max(0, Math.min(Math.max(count, samples), mostSamples - count));
  };
  const groups = Map.groupBy(undecided, more);
  groups.delete(0);
  return groups;
}
