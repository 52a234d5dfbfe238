import type { CatalogContent, MaterialContent, Reading } from '../readers/content.ts';
import type { RawRecord } from '../reading/delimited.ts';
import type { CatalogRow, MaterialRow, RowProblem } from '../rows.ts';
import { judgeMaterial } from './materials.ts';
import { SeenNames, type SeenRows } from './seen-rows.ts';
import { UsShapes } from './us-shapes.ts';

/**
 * Reads and checks the records of a file one after the other: besides cells that cannot be read, values that no such
 * material has, values that contradict each other, and rows given twice. A record with a problem yields no row; one that only looks odd
 * yields its rows and a warning.
 */
export function* checkRecords(content: CatalogContent, file: string): Generator<Reading<CatalogRow>> {
  const checker = new RecordChecker(content, file);
  for (const record of content.records) yield checker.check(record);
}

/** Checks one record after the other, remembering of those before it what it needs. */
export class RecordChecker {
  readonly #content: CatalogContent;
  readonly #file: string;
  readonly #seen: SeenRows;
  readonly #shapes = new UsShapes();

  constructor(content: CatalogContent, file: string, seen: SeenRows = new SeenNames()) {
    this.#content = content;
    this.#file = file;
    this.#seen = seen;
  }

  check(record: RawRecord): Reading<CatalogRow> {
    const content = this.#content;
    const reading = content.read({ line: record.line, cells: record.cells() });
    if (reading.problems.length > 0) return { ...reading, record };
    const problems: RowProblem[] = [];
    const warnings: RowProblem[] = [];
    for (const row of reading.rows) {
      reportRepetition(content, row, this.#seen, this.#file, problems);
      if (content.kind === 'references') continue;
      for (const { column, severity, ...finding } of judgeMaterial(row as MaterialRow, content, this.#shapes)) {
        const header = content.headerOf(column, (row as MaterialRow).unitSystem);
        const told = { file: this.#file, line: row.line, column: header, ...finding };
        if (severity === 'error') problems.push(told);
        else warnings.push(told);
      }
    }
    if (problems.length > 0) return { rows: [], problems, record };
    return warnings.length > 0 ? { ...reading, warnings, record } : reading;
  }
}

function reportRepetition(
  content: CatalogContent,
  row: CatalogRow,
  seen: SeenRows,
  file: string,
  problems: RowProblem[],
): void {
  const line = seen.lineOf(row);
  if (line === undefined) return;
  const [column, value] =
    'section' in row
      ? ['section', row.section]
      : [(content as MaterialContent).headerOf('designation', row.unitSystem), row.designation];
  problems.push({ file, line: row.line, column, value, reason: `the same row stands on line ${line}` });
}
