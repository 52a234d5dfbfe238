import path from 'node:path';
import { interrupted, type RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { readCatalogFile } from './read-file.ts';
import type { CatalogContent, Declared, Scope } from './readers/content.ts';
import { readCatalog } from './readers/index.ts';
import type { MaterialRow, RowProblem } from './rows.ts';
import { fileBySample } from './sample.ts';
import { shippedCatalogs } from './shipped.ts';
import { findProblems, goodRows } from './validate.ts';

/** A file that was read and checked: its good rows, ready to be loaded. */
export interface PreparedFile {
  readonly file: string;
  readonly sha256: string;
  readonly content: CatalogContent;
  readonly problems: readonly RowProblem[];
  /** The scopes of which the file is everything: what it lacks is retired. */
  readonly whole: readonly Scope[];
}

export interface PrepareOptions extends Declared {
  readonly complete: boolean;
  readonly skipBadRows: boolean;
}

/** Reads and checks a file without touching the database. @throws CATALOG_BAD_ROWS unless bad rows are to be skipped */
export async function prepareFile(
  file: string,
  options: PrepareOptions,
  context: Pick<RunContext, 'signal' | 'report'>,
): Promise<PreparedFile> {
  const { bytes, sha256 } = await readCatalogFile(file, context.signal).catch((error: unknown) => {
    throw context.signal.aborted ? interrupted() : error;
  });
  const read = readCatalog(bytes, file, options);
  const problems = [...read.problems, ...findProblems(read, file)].sort((a, b) => a.line - b.line);
  if (problems.length > 0 && !options.skipBadRows) throw badRows(file, problems);
  const content = await decide(goodRows(read, problems), context.signal);
  return { file, sha256, content, problems, whole: wholeScopes(content, problems, options, context) };
}

/** One line for each bad row, as `file:line: column "value": reason`. */
export function describeProblem({ file, line, column, value, reason }: RowProblem): string {
  return `${path.basename(file)}:${line}: ${column} "${value.trim()}": ${reason}`;
}

function badRows(file: string, problems: readonly RowProblem[]): StructdbError {
  const lines = new Set(problems.map(({ line }) => line)).size;
  const shown = problems.slice(0, 100).map(describeProblem);
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

async function decide(content: CatalogContent, signal: AbortSignal): Promise<CatalogContent> {
  if (content.kind !== 'materials' || !content.undecided) return content;
  const [shapes] = shippedCatalogs();
  const { bytes } = await readCatalogFile(shapes!, signal);
  const filed = fileBySample(content, readCatalog(bytes, shapes!, {}).rows as readonly MaterialRow[]);
  if (!filed) throw content.undecided;
  return filed;
}

function wholeScopes(
  content: CatalogContent,
  problems: readonly RowProblem[],
  options: PrepareOptions,
  context: Pick<RunContext, 'report'>,
): readonly Scope[] {
  if (content.kind === 'references') return [];
  const scopes = options.complete ? scopesOf(content.rows) : content.whole;
  if (problems.length === 0 || scopes.length === 0) return scopes;
  // A rejected row is still in the publisher's table: retiring its stored form would lose it.
  context.report({ kind: 'notice', message: 'Nothing is retired, because rows of the file were rejected.' });
  return [];
}

function scopesOf(rows: readonly MaterialRow[]): Scope[] {
  const scopes = new Map<string, Scope>();
  for (const { standard, edition, unitSystem } of rows) {
    scopes.set([standard, edition, unitSystem].join('\u0000'), { standard, edition, unitSystem });
  }
  return [...scopes.values()];
}
