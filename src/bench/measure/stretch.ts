import { Random } from '../../sample/index.ts';

const ORDER_STREAM = 9;
const ARRIVAL_STREAM = 10;

/** A part of the run that all workers begin together. Plain data: workers in threads of their own are sent it. */
export interface Stretch {
  /** The queries, by their place in the suite. */
  readonly places: readonly number[];
  /** How often each query runs, block by block. */
  readonly turns: readonly number[];
  /** The number of the first block, and the turn that it begins with. */
  readonly firstBlock: number;
  readonly firstTurn: number;
  readonly seed: number;
  /** Arrivals of all queries together (open loop); null for a closed loop. */
  readonly ratePerSecond: number | null;
  /** No request begins later than so many milliseconds after the first; null without a limit. */
  readonly limitMs: number | null;
}

/** One of several workers that share a stretch. */
export interface Share {
  readonly index: number;
  readonly of: number;
}

export const WHOLE: Share = Object.freeze({ index: 0, of: 1 });

/** Which query runs next, and with which turn's values. */
export interface Tickets {
  readonly places: Uint16Array;
  readonly turns: Uint32Array;
  readonly blocks: Uint16Array;
}

/** The requests of a stretch in their order: block after block, in each every query as often as the others, shuffled. */
export function ticketsOf(stretch: Stretch): Tickets {
  const { places, turns, firstBlock, seed } = stretch;
  const count = places.length * turns.reduce((sum, each) => sum + each, 0);
  const tickets = { places: new Uint16Array(count), turns: new Uint32Array(count), blocks: new Uint16Array(count) };
  let next = 0;
  let turn = stretch.firstTurn;
  turns.forEach((length, number) => {
    for (const ticket of shuffled(places.length * length, seed, firstBlock + number)) {
      tickets.places[next] = places[ticket % places.length]!;
      tickets.turns[next] = turn + Math.floor(ticket / places.length);
      tickets.blocks[next] = firstBlock + number;
      next += 1;
    }
    turn += length;
  });
  return tickets;
}

/**
 * When each request of an open loop is to begin, in milliseconds since the loop began: a Poisson process of that rate, whose
 * gaps are independent and exponential, as of many users who know nothing of each other.
 */
export function poissonArrivals(count: number, ratePerSecond: number, seed: number): Float64Array {
  const random = new Random(seed, ARRIVAL_STREAM, 0);
  const meanGap = 1000 / ratePerSecond;
  const arrivals = new Float64Array(count);
  let at = 0;
  for (let place = 0; place < count; place += 1) {
    // 1 − fraction is above 0, so that the logarithm is finite.
    at -= meanGap * Math.log(1 - random.fraction());
    arrivals[place] = at;
  }
  return arrivals;
}

/** `samples` turns in `blocks` blocks as equal as they can be. */
export function blockTurns(samples: number, blocks: number): number[] {
  const count = Math.max(1, Math.min(blocks, samples));
  const upTo = (block: number) => Math.floor((block * samples) / count);
  return Array.from({ length: count }, (_, block) => upTo(block + 1) - upTo(block));
}

function shuffled(count: number, seed: number, block: number): Uint32Array {
  const random = new Random(seed, ORDER_STREAM, block);
  const order = Uint32Array.from({ length: count }, (_, place) => place);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = random.between(0, last);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
