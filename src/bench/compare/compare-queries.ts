import { holm } from '../statistics/holm.ts';
import { leastP, mannWhitney } from '../statistics/mann-whitney.ts';
import { median } from '../statistics/median.ts';
import { blocksOf, type RawSamples } from '../store/raw-samples.ts';
import type { QueryClass } from '../suite/query.ts';
import type { Change, ComparedQuery, ComparedSide } from './comparison.ts';

/** Above this chance of a false alarm, over all queries together, a difference is taken for noise. */
const LEVEL = 0.05;
/** A difference that no user of the platform feels: below it a share means nothing. */
const LEAST_DELTA_MS = 0.05;
/** Of fewer queries that are slower together, any may be the reason. */
const LEAST_FOR_DRIFT = 4;

/** One query of both runs. */
export interface QueryPair {
  readonly name: string;
  readonly class: QueryClass;
  /** Queries of one group were timed at the same moments. */
  readonly group: string;
  readonly before: RawSamples;
  readonly after: RawSamples;
}

export interface CompareOptions {
  /** 0.1: slower by more than 10 % fails. */
  readonly threshold: number;
  /** Whether both sides were timed in turns on one host: then nothing but the sides themselves differs between them. */
  readonly interleaved: boolean;
}

/**
 * Compares queries by the medians of their blocks: samples that follow each other are not independent, blocks nearly are.
 * A change needs all of: no chance (p < 0.05 after correction), large enough (the threshold), and 0.05 ms.
 */
export function compareQueries(pairs: readonly QueryPair[], options: CompareOptions): ComparedQuery[] {
  const tested = pairs.map((pair) => ({
    pair,
    blocks: [blockMedians(pair.before), blockMedians(pair.after)] as const,
  }));
  const decidable = tested.map(
    ({ blocks: [before, after] }) => leastP(before.length, after.length) * pairs.length < LEVEL,
  );
  const tests = tested.map(({ blocks: [before, after] }) =>
    before.length > 0 && after.length > 0 ? mannWhitney(after, before) : { p: 1, effect: 0 },
  );
  const corrected = holm(tests.map(({ p }) => p));
  const measured = tested.map(({ pair, blocks }, place) => {
    const [before, after] = [sideOf(pair.before, blocks[0]), sideOf(pair.after, blocks[1])];
    const ratio = after.medianMs / before.medianMs;
    return { pair, before, after, ratio, deltaMs: after.medianMs - before.medianMs, place };
  });
  return measured.map(({ pair, before, after, ratio, deltaMs, place }) => {
    const p = corrected[place]!;
    const size = p < LEVEL && Math.abs(deltaMs) >= LEAST_DELTA_MS ? sizeOf(ratio, options.threshold) : 'same';
    const drift = options.interleaved ? 1 : driftOf(pair, measured, options.threshold);
    const why = !decidable[place]
      ? `${Math.min(before.blocks, after.blocks)} blocks of samples are too few`
      : size === 'slower' && ratio / drift <= Math.max(1 + options.threshold, drift)
        ? `all ${pair.group} queries are slower alike (× ${drift.toFixed(2)})`
        : null;
    return {
      name: pair.name,
      class: pair.class,
      before,
      after,
      deltaMs,
      ratio,
      p,
      effect: tests[place]!.effect,
      change: why === null ? size : 'undecided',
      why,
    };
  });
}

function sizeOf(ratio: number, threshold: number): Change {
  if (ratio > 1 + threshold) return 'slower';
  if (ratio > 1 + threshold / 2) return 'slightly-slower';
  // As many times faster as the other is slower: comparing the other way round says the opposite.
  if (ratio < 1 / (1 + threshold)) return 'faster';
  return ratio < 1 / (1 + threshold / 2) ? 'slightly-faster' : 'same';
}

/**
 * By how much all queries of the group are slower: the median of their ratios. Runs of different times also differ by what
 * else the machine did, and not every query feels that alike: one of them is slower by itself when it is slower by more
 * than as much again. 1 when the drift is small or cannot be known.
 */
function driftOf(pair: QueryPair, measured: readonly { pair: QueryPair; ratio: number }[], threshold: number): number {
  const ratios = measured.filter((other) => other.pair.group === pair.group).map(({ ratio }) => ratio);
  const drift = ratios.length < LEAST_FOR_DRIFT ? 1 : median(ratios);
  return drift > 1 + threshold / 2 ? drift : 1;
}

function blockMedians(raw: RawSamples): number[] {
  return blocksOf(raw).map(median);
}

function sideOf({ us }: RawSamples, blocks: readonly number[]): ComparedSide {
  return { medianMs: median(us) / 1000, samples: us.length, blocks: blocks.length };
}
