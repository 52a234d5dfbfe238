import { Random } from '../../sample/index.ts';
import type { Crew } from '../measure/crew.ts';
import { SampleStore } from '../measure/samples.ts';
import { blockTurns } from '../measure/stretch.ts';
import { BLOCKS } from '../measure/timed-run.ts';
import { placesByClass } from '../measure/warm-up.ts';
import { type RawSamples, rawSamples } from '../store/raw-samples.ts';
import type { SuiteQuery } from '../suite/query.ts';

export interface InterleaveOptions {
  /** The two sides; what they run has the same names in the same places. */
  readonly crews: readonly [Crew, Crew];
  readonly queries: readonly SuiteQuery<unknown>[];
  /** Timed runs of each query on each side. */
  readonly samples: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress: (answered: number) => void;
}

const SIDES_STREAM = 11;

/**
 * Times both sides in turns: each class of each block as A, B, B, A or as B, A, A, B, by chance, with the same values in the
 * same order. Whatever else the machine does falls on both alike. Ends early when the signal says so.
 */
export async function interleave(options: InterleaveOptions): Promise<[RawSamples[], RawSamples[]]> {
  const { crews, queries, samples, seed, signal, onProgress } = options;
  const stores = [new SampleStore(queries.length, samples), new SampleStore(queries.length, samples)] as const;
  const random = new Random(seed, SIDES_STREAM, 0);
  let turn = 0;
  let answered = 0;
  for (const [block, length] of blockTurns(samples, BLOCKS).entries()) {
    for (const places of placesByClass(queries)) {
      const first = random.between(0, 1) as 0 | 1;
      const second = (1 - first) as 0 | 1;
      const [begin, end] = [blockTurns(length, 2)[0]!, blockTurns(length, 2)[1] ?? 0];
      const parts = [
        [first, turn, begin],
        [second, turn, begin],
        [second, turn + begin, end],
        [first, turn + begin, end],
      ] as const;
      for (const [side, firstTurn, turns] of parts) {
        if (turns === 0 || signal.aborted) continue;
        const stretch = { places, turns: [turns], firstBlock: block, firstTurn, seed: seed + turn };
        const outcome = await crews[side].run({ ...stretch, ratePerSecond: null, limitMs: null }, signal);
        stores[side].add(outcome.parts);
        answered += outcome.parts.reduce((sum, { count }) => sum + count, 0);
        onProgress(answered);
      }
    }
    turn += length;
  }
  const rawOf = (store: SampleStore) => queries.map(({ name }, place) => rawSamples(name, store.of(place)));
  return [rawOf(stores[0]), rawOf(stores[1])];
}
