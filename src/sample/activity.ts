import { Random } from './random.ts';

/** How much happens in a project besides that it is created. */
export interface Activity {
  /** Saved designs, each with an event. */
  readonly payloads: number;
  /** Events beyond `created` and one for each payload. */
  readonly otherEvents: number;
}

const TEN = 10;
const TEN_STREAM = 3;
/** Ten projects with ten payloads and ten other events, unevenly spread as in life. */
const PAYLOADS_OF_TEN = [0, 0, 0, 0, 1, 1, 1, 1, 2, 4];
const OTHERS_OF_TEN = [0, 0, 0, 1, 0, 0, 1, 2, 2, 4];

const THOUSAND = 1000;
/** Those of each thousand that have the same totals among all of them instead of in each ten: a few busy, most quiet. */
const LONG_TAIL = 300;
const TAIL_STREAM = 5;

/**
 * What happens in the project of that number: on average one payload and one other event, heavily skewed. Of each
 * thousand projects the busiest has some 150 to 370 events, at any scale, so that what is asked of one project is alike
 * at all of them.
 *
 * Totals are exact for each ten of the first 700 and for the last 300 of each thousand together. Whole tens give exact
 * totals and no visible pattern, but leave no room for hundreds of events.
 */
export function activityOf(seed: number, index: number): Activity {
  const inThousand = index % THOUSAND;
  const inTail = inThousand - (THOUSAND - LONG_TAIL);
  if (inTail >= 0) return tailOf(seed, Math.floor(index / THOUSAND))[inTail]!;
  return tenOf(seed, Math.floor(index / TEN))[index % TEN]!;
}

const tenOf = keepingLatest((seed, block) => {
  const random = new Random(seed, TEN_STREAM, block);
  return shuffled(
    PAYLOADS_OF_TEN.map((payloads, place) => ({ payloads, otherEvents: OTHERS_OF_TEN[place]! })),
    random,
  );
});

const tailOf = keepingLatest((seed, block) => {
  const random = new Random(seed, TAIL_STREAM, block);
  const counts = longTail(LONG_TAIL, random.fraction() / 2);
  // Who calculates much also does much else.
  return shuffled(
    counts.map((count) => ({ payloads: count, otherEvents: count })),
    random,
  );
});

/**
 * As many as there are ranks, shared out between Zipf's law (1/rank) and its square, in whole numbers, descending. No
 * power but by multiplication: the others may differ in their last digit from machine to machine.
 */
function longTail(ranks: number, flatness: number): number[] {
  const weights = Array.from({ length: ranks }, (_, place) => {
    const share = 1 / (place + 1);
    return flatness * share + (1 - flatness) * share * share;
  });
  const sum = weights.reduce((all, weight) => all + weight, 0);
  let given = 0;
  let wanted = 0;
  // Rounding the running sum loses nothing.
  const counts = weights.map((weight) => {
    wanted += (ranks * weight) / sum;
    const count = Math.round(wanted) - given;
    given += count;
    return count;
  });
  counts[0]! += ranks - given;
  return counts.sort((a, b) => b - a);
}

function shuffled<T>(items: T[], random: Random): readonly T[] {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = random.between(0, last);
    [items[last], items[other]] = [items[other]!, items[last]!];
  }
  return items;
}

/** Projects are made in order, so the last block is the one that is asked for again. */
function keepingLatest(make: (seed: number, block: number) => readonly Activity[]) {
  let latest: { seed: number; block: number; activities: readonly Activity[] } | undefined;
  return (seed: number, block: number): readonly Activity[] => {
    if (latest?.seed !== seed || latest.block !== block) latest = { seed, block, activities: make(seed, block) };
    return latest.activities;
  };
}
