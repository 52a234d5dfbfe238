import { readFile, stat } from 'node:fs/promises';
import * as z from 'zod';
import { codeOf, messageOf, StructdbError } from '../../core/errors.ts';
import type { BenchResult } from '../result.ts';
import type { RawSamples } from './raw-samples.ts';
import { storedResult } from './result-schema.ts';

/** A run with every sample of it: the file that is kept, compared and rendered again. */
export interface StoredRun {
  readonly result: BenchResult;
  /** For each point of the result, in its order. */
  readonly raw: readonly (readonly RawSamples[])[];
}

const MARK = 'bench run';
/** Of the file; raised when an older reader would be misled. */
const FORMAT = 1;
const RESULT_FORMAT = 2;
/** A sweep of a million samples for each query stays below; what is larger was not written by structdb. */
const LARGEST_BYTES = 512 * 1024 * 1024;

const rawSamples = z
  .object({ name: z.string(), us: z.array(z.int().min(0)), blocks: z.array(z.int().min(0)) })
  .refine(({ us, blocks }) => blocks.every((start, place) => start <= us.length && start >= (blocks[place - 1] ?? 0)), {
    error: 'blocks do not ascend within the samples',
  });

const storedRun = z
  .looseObject({ result: storedResult, raw: z.array(z.array(rawSamples)) })
  .refine(({ result, raw }) => raw.length === result.points.length, { error: 'samples are missing for a point' });

/** The file's text: one line for each query's samples, so that a baseline in version control shows what changed. */
export function encodeStoredRun({ result, raw }: StoredRun): string {
  const points = raw.map((queries) => `[\n${queries.map((each) => JSON.stringify(each)).join(',\n')}\n]`);
  return `{"structdb":"${MARK}","format":${FORMAT},\n"result":${JSON.stringify(result)},\n"raw":[${points.join(',\n')}]}\n`;
}

/**
 * Reads a stored run.
 * @throws FILE_MISSING, FILE_UNREADABLE; BENCH_RESULT_UNREADABLE for what is truncated, foreign or of a newer structdb
 */
export async function readStoredFile(file: string): Promise<StoredRun> {
  const content = await read(file);
  const refuse = (
    why: string,
    hint = 'Name a file that structdb bench wrote: .structdb/bench/<id>.json or a saved baseline.',
  ) => new StructdbError('BENCH_RESULT_UNREADABLE', `${file} ${why}.`, { hint });
  let document: unknown;
  try {
    document = JSON.parse(content);
  } catch {
    throw content.startsWith(`{"structdb":"${MARK}"`)
      ? refuse(
          'is a benchmark result that was cut off or altered',
          'Run the benchmark again, or take the file from a copy.',
        )
      : refuse('is not a benchmark result');
  }
  const head = document as { structdb?: unknown; format?: unknown; result?: { format?: unknown } } | null;
  if (head?.structdb !== MARK || !Number.isInteger(head.format)) throw refuse('is not a benchmark result');
  if (Number(head.format) > FORMAT || Number(head.result?.format) > RESULT_FORMAT)
    throw refuse('was written by a newer structdb', 'Update structdb here, or run the benchmark again with this one.');
  if (head.result?.format !== RESULT_FORMAT)
    throw refuse('was written by an older structdb', 'Run the benchmark again.');
  const parsed = storedRun.safeParse(document);
  if (parsed.success) return parsed.data as unknown as StoredRun;
  const [issue] = parsed.error.issues;
  throw refuse(
    `is a benchmark result that was altered: ${[...(issue?.path ?? []), issue?.message].join('.')}`,
    'Run the benchmark again, or take the file from a copy.',
  );
}

async function read(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > LARGEST_BYTES) throw new Error(`it has ${size} bytes, more than any benchmark result`);
    return await readFile(file, 'utf8');
  } catch (cause) {
    const missing = codeOf(cause) === 'ENOENT';
    throw new StructdbError(
      missing ? 'FILE_MISSING' : 'FILE_UNREADABLE',
      missing ? `There is no file ${file}.` : `Cannot read ${file}: ${messageOf(cause)}.`,
      { cause, hint: 'Name a stored run by its id, a baseline by its name, or a file by its path.' },
    );
  }
}
