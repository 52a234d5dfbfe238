import { isUtf8 } from 'node:buffer';
import path from 'node:path';
import { interrupted, type RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import type { Batches } from './batches.ts';
import { checkRecords, RecordChecker } from './checks/records.ts';
import { SeenHashes } from './checks/seen-rows.ts';
import { describeProblem } from './describe-problem.ts';
import { type StagedRow, stagedRow } from './load/tables.ts';
import type { CatalogContent, Declared, MaterialContent, Reading, Scope } from './readers/content.ts';
import { openCatalog, readCatalog, readStreamed } from './readers/index.ts';
import { type CatalogFile, openCatalogFile } from './reading/catalog-file.ts';
import type { RawRecord } from './reading/delimited.ts';
import { streamTable } from './reading/record-batches.ts';
import type { CatalogSource } from './reading/source.ts';
import type { CatalogRow, MaterialRow, RowProblem } from './rows.ts';
import { fileBySample } from './sample.ts';
import { SHIPPED_SHAPES, shippedCatalogs } from './shipped.ts';
import type { PreparedVersions } from './version-file.ts';

/** A file that was recognised, with its records, ready to be staged: read as they are asked for, and only once. */
export interface PreparedFile {
  readonly file: string;
  /** SHA-256 of its bytes, 64 hex digits; known when all readings were taken. */
  readonly sha256: () => string;
  readonly content: CatalogContent;
  /** One batch of a file that is in memory; of a large one, a batch is made when it is asked for. */
  readonly batches: Batches<Reading<StagedRow>>;
  /** All that it has rows of, where that is known before they are read. */
  readonly scopes?: readonly Scope[];
  /** SHA-256 of what its rows say, where it is known without looking at them; null where that would cost too much. */
  readonly contentSha256?: string | null;
}

/** Hands a recognised file to `work`, and closes it. The database is not touched. */
export async function withPreparedFile<T>(
  file: FileAhead,
  work: (prepared: PreparedFile | PreparedVersions) => Promise<T>,
): Promise<T> {
  try {
    return await work(await file.prepared);
  } finally {
    await file.close();
  }
}

/** A file that is read and recognised already while there is something else to wait for. Close it, however that ends. */
export class FileAhead {
  readonly source: CatalogSource;
  /** Rejects with what is wrong with the file; nothing is lost when nobody asks. */
  readonly prepared: Promise<PreparedFile | PreparedVersions>;
  readonly #opened: Promise<CatalogFile>;

  constructor(source: CatalogSource, declared: Declared, { signal }: Pick<RunContext, 'signal'>) {
    this.source = source;
    this.#opened = openCatalogFile(source, signal).catch((error: unknown) => {
      throw signal.aborted ? interrupted() : error;
    });
    this.prepared = this.#opened.then((opened) => prepareFile(opened, declared, signal));
    this.prepared.catch(() => {});
  }

  async close(): Promise<void> {
    const opened = await this.#opened.catch(() => undefined);
    await opened?.close();
  }
}

/** The records of a larger file take more memory than is promised, where they need not be there all at once. */
const IN_MEMORY_BYTES = 4 * 1024 * 1024;

async function prepareFile(
  opened: CatalogFile,
  declared: Declared,
  signal: AbortSignal,
): Promise<PreparedFile | PreparedVersions> {
  const { name: file, sha256, whole: bytes } = opened;
  if (bytes === undefined) return prepareLargeFile(opened, declared);
  if (bytes.length > IN_MEMORY_BYTES && isUtf8(bytes)) {
    // Formats that need all names at once, and headers with quirks, are read whole; so are files that nothing fits.
    const large = await prepareLargeFile(opened, declared).catch(() => undefined);
    if (large) return large;
  }
  const content = await openCatalog(bytes, file, declared);
  if (content.kind === 'versions') return { file, sha256, content };
  const scopes = content.kind === 'materials' && !content.undecided ? content.scopes : undefined;
  const prepared = { file, sha256, content, ...(scopes && { scopes }) };
  if (sha256() === SHIPPED_SHAPES.sha256 && content.kind === 'materials' && content.readTrusted) {
    return {
      ...prepared,
      batches: [content.readTrusted()],
      scopes: SHIPPED_SHAPES.scopes,
      contentSha256: SHIPPED_SHAPES.contentSha256,
    };
  }
  const readings = checkRecords(content, file);
  if (content.kind === 'references' || !content.undecided) return { ...prepared, batches: [staged(readings)] };
  const decided = await decide(content, [...readings], content.undecided, signal);
  return { ...prepared, batches: [staged(decided)] };
}

/** What a file of any size needs in memory is the batch at hand, and 16 bytes per row to find one that comes twice. */
async function prepareLargeFile(
  { name: file, sha256, chunks }: CatalogFile,
  declared: Declared,
): Promise<PreparedFile> {
  const table = await streamTable(chunks(), file, declared.encoding);
  const content = readStreamed(table, declared);
  const checker = new RecordChecker(content, file, new SeenHashes());
  const batches = async function* () {
    for await (const records of table.batches) yield staged(checked(records, checker));
  };
  // Hashing each of a million rows would add seconds to their import.
  return { file, sha256, content, batches: batches(), contentSha256: null };
}

function* checked(records: readonly RawRecord[], checker: RecordChecker): Generator<Reading<CatalogRow>> {
  for (const record of records) yield checker.check(record);
}

function* staged(readings: Iterable<Reading<CatalogRow>>): Generator<Reading<StagedRow>> {
  for (const { rows, ...told } of readings) yield { rows: rows.map(stagedRow), ...told };
}

/** The error of a file with bad rows; it names each as `file:line: column "value": reason`. */
export function badRows(
  file: string,
  problems: readonly RowProblem[],
  lines = new Set(problems.map(({ line }) => line)).size,
): StructdbError {
  // A file in the other unit system has the same to say of every row.
  const mistaken = problems.every(({ rule }) => rule === 'units');
  const shown = problems
    .slice(0, mistaken ? 3 : 100)
    .map((problem) => `${path.basename(file)}:${problem.line}: ${describeProblem(problem)}`);
  const more = problems.length - shown.length;
  return new StructdbError(
    'CATALOG_BAD_ROWS',
    `${file} has ${lines} bad ${lines === 1 ? 'row' : 'rows'}; nothing was imported.`,
    {
      details: more > 0 ? [...shown, `and ${more} more`] : shown,
      hint: mistaken
        ? 'If the whole file is in the other unit system, say so with --unit-system, or in its unit_system column.'
        : 'Correct the file, or import the good rows alone with --skip-bad-rows.',
    },
  );
}

/** A part of AISC's table is filed by its values, where they leave no doubt. Bad rows are told first. */
async function decide(
  content: MaterialContent,
  readings: readonly Reading<CatalogRow>[],
  undecided: StructdbError,
  signal: AbortSignal,
): Promise<readonly Reading<CatalogRow>[]> {
  const problems = readings.flatMap((reading) => reading.problems);
  const rows = readings.flatMap((reading) => reading.rows) as MaterialRow[];
  if (rows.length === 0) return readings;
  const [shapes] = shippedCatalogs();
  const { whole } = await openCatalogFile(shapes!, signal);
  const shipped = [...checkRecords(readCatalog(whole!, shapes!, {}) as MaterialContent, shapes!)].flatMap(
    (reading) => reading.rows,
  );
  const filed = fileBySample(content.columns, rows, shipped as MaterialRow[]);
  if (filed) return readings.map((reading) => ({ ...reading, rows: filed.splice(0, reading.rows.length) }));
  throw problems.length > 0 ? badRows(problems[0]!.file, problems) : undecided;
}
