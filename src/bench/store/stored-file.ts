import { readFile, stat } from 'node:fs/promises';
import type * as z from 'zod';
import { codeOf, messageOf, StructdbError } from '../../core/errors.ts';
import { AGAINST_FILE, type StoredAgainst } from './stored-against.ts';
import { RUN_FILE, type StoredRun } from './stored-run.ts';

/** A kind of file that the store has. */
export interface FileKind {
  /** What it begins with: `{"structdb":"<mark>"`. */
  readonly mark: string;
  /** Of the file; raised when an older reader would be misled. */
  readonly format: number;
  /** Of the result in it, where that has a number of its own. */
  readonly resultFormat?: number;
  readonly schema: z.ZodType;
}

/** What a file of the store holds. */
export type StoredResult = ({ readonly kind: 'run' } & StoredRun) | ({ readonly kind: 'against' } & StoredAgainst);

const KINDS: Readonly<Record<StoredResult['kind'], FileKind>> = { run: RUN_FILE, against: AGAINST_FILE };
/** A sweep of a million samples for each query stays below; what is larger was not written by structdb. */
const LARGEST_BYTES = 512 * 1024 * 1024;
const FROM_A_COPY = 'Run the benchmark again, or take the file from a copy.';

/**
 * Reads a stored run.
 * @throws FILE_MISSING, FILE_UNREADABLE; BENCH_RESULT_UNREADABLE for what is truncated, foreign, of a newer structdb or no run
 */
export async function readStoredFile(file: string): Promise<StoredRun> {
  const stored = await readStoredResult(file);
  if (stored.kind === 'run') return stored;
  throw refusal(
    file,
    'holds two sides that were timed in turns, and no run',
    `Show it: structdb bench report ${file}. To compare, name a stored run or a baseline.`,
  );
}

/**
 * Reads a stored run, or two sides that were timed in turns.
 * @throws FILE_MISSING, FILE_UNREADABLE; BENCH_RESULT_UNREADABLE for what is truncated, foreign or of a newer structdb
 */
export async function readStoredResult(file: string): Promise<StoredResult> {
  const content = await read(file);
  let document: unknown;
  try {
    document = JSON.parse(content);
  } catch {
    const isOurs = Object.values(KINDS).some(({ mark }) => content.startsWith(`{"structdb":"${mark}"`));
    throw isOurs
      ? refusal(file, 'is a benchmark result that was cut off or altered', FROM_A_COPY)
      : refusal(file, 'is not a benchmark result');
  }
  const head = document as { structdb?: unknown; format?: unknown; result?: { format?: unknown } } | null;
  const [kind, expected] =
    (Object.entries(KINDS) as [StoredResult['kind'], FileKind][]).find(([, { mark }]) => mark === head?.structdb) ?? [];
  if (kind === undefined || expected === undefined || !Number.isInteger(head?.format))
    throw refusal(file, 'is not a benchmark result');
  const { format, resultFormat, schema } = expected;
  const isNewer = resultFormat !== undefined && Number(head?.result?.format) > resultFormat;
  if (Number(head?.format) > format || isNewer)
    throw refusal(
      file,
      'was written by a newer structdb',
      'Update structdb here, or run the benchmark again with this one.',
    );
  if (resultFormat !== undefined && head?.result?.format !== resultFormat)
    throw refusal(file, 'was written by an older structdb', 'Run the benchmark again.');
  const parsed = schema.safeParse(document);
  if (parsed.success) return { ...(parsed.data as object), kind } as StoredResult;
  const [issue] = parsed.error.issues;
  throw refusal(
    file,
    `is a benchmark result that was altered: ${[...(issue?.path ?? []), issue?.message].join('.')}`,
    FROM_A_COPY,
  );
}

function refusal(
  file: string,
  why: string,
  hint = 'Name a file that structdb bench wrote: .structdb/bench/<id>.json or a saved baseline.',
): StructdbError {
  return new StructdbError('BENCH_RESULT_UNREADABLE', `${file} ${why}.`, { hint });
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
