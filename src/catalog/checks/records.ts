import type { CatalogContent, MaterialContent, Reading } from '../readers/content.ts';
import type { RawRecord } from '../reading/delimited.ts';
import type { CatalogRow, MaterialRow, RowProblem } from '../rows.ts';
import { firstDifference } from './difference.ts';
import { judgeMaterial } from './materials.ts';
import { type Earlier, SeenNames, type SeenRows } from './seen-rows.ts';
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
      const repeated = this.#repetition(row, record);
      if (repeated) problems.push(repeated);
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

  /** The same row twice: which of the two would count is nobody's guess, whether or not they say the same. */
  #repetition(row: CatalogRow, record: RawRecord): RowProblem | undefined {
    const earlier = this.#seen.meet(row, record);
    if (earlier === undefined) return undefined;
    const [column, value] =
      'section' in row
        ? ['section', row.section]
        : [(this.#content as MaterialContent).headerOf('designation', row.unitSystem), row.designation];
    const reason = `the same row stands on line ${earlier.line}, ${this.#comparedWith(earlier, row)}`;
    return { file: this.#file, line: row.line, column, value, reason };
  }

  #comparedWith({ line, sameCells }: Earlier, row: CatalogRow): string {
    if (sameCells !== undefined) return sameCells ? 'with the same values' : 'written otherwise';
    const content = this.#content;
    const record = content.records.find((one) => one.line === line);
    const rows = record ? content.read({ line, cells: record.cells() }).rows : [];
    const same = (rows as readonly CatalogRow[]).find(
      (one) => 'section' in one || 'section' in row || one.unitSystem === row.unitSystem,
    );
    const difference = same && firstDifference(same, row, content.columns);
    if (!difference) return 'with the same values';
    const { name, first, second } = difference;
    const header = content.kind === 'materials' && 'unitSystem' in row ? content.headerOf(name, row.unitSystem) : name;
    return `with another ${header}: ${first ?? 'nothing'} there, ${second ?? 'nothing'} here`;
  }
}
