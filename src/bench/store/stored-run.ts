import * as z from 'zod';
import type { BenchResult } from '../result.ts';
import type { RawSamples } from './raw-samples.ts';
import { storedResult } from './result-schema.ts';

/** A run with every sample of it: the file that is kept, compared and rendered again. */
export interface StoredRun {
  readonly result: BenchResult;
  /** For each point of the result, in its order. */
  readonly raw: readonly (readonly RawSamples[])[];
}

const rawSamples = z
  .object({ name: z.string(), us: z.array(z.int().min(0)), blocks: z.array(z.int().min(0)) })
  .refine(({ us, blocks }) => blocks.every((start, place) => start <= us.length && start >= (blocks[place - 1] ?? 0)), {
    error: 'blocks do not ascend within the samples',
  });

export const RUN_FILE = {
  mark: 'bench run',
  format: 1,
  resultFormat: 2,
  schema: z
    .looseObject({ result: storedResult, raw: z.array(z.array(rawSamples)) })
    .refine(({ result, raw }) => raw.length === result.points.length, { error: 'samples are missing for a point' }),
} as const;

/** The file's text: one line for each query's samples, so that a baseline in version control shows what changed. */
export function encodeStoredRun({ result, raw }: StoredRun): string {
  const points = raw.map((queries) => `[\n${queries.map((each) => JSON.stringify(each)).join(',\n')}\n]`);
  const { mark, format } = RUN_FILE;
  return `{"structdb":"${mark}","format":${format},\n"result":${JSON.stringify(result)},\n"raw":[${points.join(',\n')}]}\n`;
}
