import type { Samples } from '../measure/samples.ts';

/** Every latency that was measured of one query. */
export interface RawSamples {
  readonly name: string;
  /** In µs, whole, in the order of time. */
  readonly us: readonly number[];
  /** Where each block begins in `us`, ascending from 0: samples of one block have the same moment in common. */
  readonly blocks: readonly number[];
}

/** Samples as they are kept. */
export function rawSamples(name: string, { latencies, blocks }: Pick<Samples, 'latencies' | 'blocks'>): RawSamples {
  const starts: number[] = [];
  blocks.forEach((block, place) => {
    if (place === 0 || block !== blocks[place - 1]) starts.push(place);
  });
  return { name, us: Array.from(latencies, (ms) => Math.round(ms * 1000)), blocks: starts };
}

/** The samples of each block. */
export function blocksOf({ us, blocks }: Pick<RawSamples, 'us' | 'blocks'>): number[][] {
  return blocks
    .map((start, place) => us.slice(start, blocks[place + 1] ?? us.length))
    .filter((block) => block.length > 0);
}
