import path from 'node:path';
import { interrupted, type RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { type CatalogRow, checkRecords } from './checks/records.ts';
import { type StagedRow, stagedRow } from './load/tables.ts';
import type { CatalogContent, Declared, MaterialContent, Reading, Scope } from './readers/content.ts';
import { readCatalog } from './readers/index.ts';
import { readCatalogFile } from './reading/read-file.ts';
import type { MaterialRow, RowProblem } from './rows.ts';
import { fileBySample } from './sample.ts';
import { SHIPPED_SHAPES, shippedCatalogs } from './shipped.ts';

/** A file that was recognised, with its records, ready to be staged: read as they are asked for, and only once. */
export interface PreparedFile {
  readonly file: string;
  readonly sha256: string;
  readonly content: CatalogContent;
  readonly readings: Iterable<Reading<StagedRow>>;
  /** All that it has rows of, where that is known before they are read. */
  readonly scopes?: readonly Scope[];
}

/** Reads and recognises a file without touching the database. */
export async function prepareFile(
  file: string,
  declared: Declared,
  context: Pick<RunContext, 'signal'>,
): Promise<PreparedFile> {
  const { bytes, sha256 } = await readCatalogFile(file, context.signal).catch((error: unknown) => {
    throw context.signal.aborted ? interrupted() : error;
  });
  const content = readCatalog(bytes, file, declared);
  const prepared = { file, sha256, content };
  if (sha256 === SHIPPED_SHAPES.sha256 && content.kind === 'materials' && content.readTrusted) {
    return { ...prepared, readings: content.readTrusted(), scopes: SHIPPED_SHAPES.scopes };
  }
  const readings = checkRecords(content, file);
  if (content.kind === 'references' || !content.undecided) return { ...prepared, readings: staged(readings) };
  const decided = await decide(content, [...readings], content.undecided, context.signal);
  return { ...prepared, readings: staged(decided) };
}

function* staged(readings: Iterable<Reading<CatalogRow>>): Generator<Reading<StagedRow>> {
  for (const { rows, problems } of readings) yield { rows: rows.map(stagedRow), problems };
}

/** The error of a file with bad rows; it names each as `file:line: column "value": reason`. */
export function badRows(file: string, problems: readonly RowProblem[]): StructdbError {
  const lines = new Set(problems.map(({ line }) => line)).size;
  const shown = problems
    .slice(0, 100)
    .map(({ line, column, value, reason }) => `${path.basename(file)}:${line}: ${column} "${value.trim()}": ${reason}`);
  const more = problems.length - shown.length;
  return new StructdbError(
    'CATALOG_BAD_ROWS',
    `${file} has ${lines} bad ${lines === 1 ? 'row' : 'rows'}; nothing was imported.`,
    {
      details: more > 0 ? [...shown, `and ${more} more`] : shown,
      hint: 'Correct the file, or import the good rows alone with --skip-bad-rows.',
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
  const { bytes } = await readCatalogFile(shapes!, signal);
  const shipped = [...checkRecords(readCatalog(bytes, shapes!, {}), shapes!)].flatMap((reading) => reading.rows);
  const filed = fileBySample(content.columns, rows, shipped as MaterialRow[]);
  if (filed) return [{ rows: filed, problems }];
  throw problems.length > 0 ? badRows(problems[0]!.file, problems) : undecided;
}
