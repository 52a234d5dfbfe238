import { ByScope } from '../by-scope.ts';
import type { CatalogContent, MaterialContent, Reading } from '../readers/content.ts';
import type { RawRecord } from '../reading/delimited.ts';
import { type CatalogRow, type MaterialRow, NUMBER_COLUMNS, type RowProblem } from '../rows.ts';
import { SeenNames, type SeenRows } from './seen-rows.ts';

/**
 * Reads and checks the records of a file one after the other: besides cells that cannot be read, values that no such
 * material has, values that contradict each other, and rows given twice. A record with a problem yields no row.
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
  readonly #shapes: UsShapes = new ByScope(() => new Map());

  constructor(content: CatalogContent, file: string, seen: SeenRows = new SeenNames()) {
    this.#content = content;
    this.#file = file;
    this.#seen = seen;
  }

  check(record: RawRecord): Reading<CatalogRow> {
    const content = this.#content;
    const reading = content.read({ line: record.line, cells: record.cells() });
    if (reading.problems.length > 0) return reading;
    const problems: RowProblem[] = [];
    for (const row of reading.rows) {
      reportRepetition(content, row, this.#seen, this.#file, problems);
      if (content.kind === 'materials') {
        reportMaterial(content, row as MaterialRow, this.#shapes, this.#file, problems);
      }
    }
    return problems.length > 0 ? { rows: [], problems } : reading;
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

/** The values of US rows that SI rows are checked against, by name. */
type UsShapes = ByScope<Map<string, MaterialRow['numbers']>>;

function reportMaterial(
  content: MaterialContent,
  row: MaterialRow,
  shapes: UsShapes,
  file: string,
  problems: RowProblem[],
): void {
  const report = (column: string, value: string, reason: string) =>
    void problems.push({ file, line: row.line, column: content.headerOf(column, row.unitSystem), value, reason });
  if (!/^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(row.designation)) {
    report('designation', row.designation, 'a designation is made of ASCII characters and single spaces');
  }
  for (const name of NUMBER_COLUMNS) if (row.numbers[name] === '0') report(name, '0', 'must be greater than zero');
  if (row.texts.shape_type === 'W') reportSwappedThickness(row, report);
  for (const name of ['fy', 'fu'] as const) {
    const least = row.numbers[name];
    if (!least) continue;
    const most = decimal(row, `${name}_max`);
    if (most && Number(most) < Number(least)) report(`${name}_max`, most, `less than the minimum of ${least}`);
  }
  const { fy, fu } = row.numbers;
  if (fy && fu && Number(fy) > Number(fu)) report('fy', fy, `more than the tensile strength of ${fu}`);
  crossCheck(row, shapes, report);
}

type Report = (column: string, value: string, reason: string) => void;

/** tw and tf swapped is the oldest error of public tables (boltsparts/boltsparts#22); no W shape has tf <= tw. */
function reportSwappedThickness(row: MaterialRow, report: Report): void {
  const flange = decimal(row, 'flange_thickness');
  const web = decimal(row, 'web_thickness');
  if (!flange || !web || Number(flange) > Number(web)) return;
  report('flange_thickness', flange, `not more than the web's ${web}, which no W shape has; are tf and tw swapped?`);
}

/**
 * SI values against the US values of the same shape, where the file has both. Metric values are rounded on their own, hence
 * the tolerance; metric weights are nominal and go up to 7 % away (WT7X436.5 of v16.0). More is a wrong column or unit.
 */
const CHECKED = [
  { column: 'weight', factor: 1.488164, tolerance: 0.1 },
  { column: 'area', factor: 645.16, tolerance: 0.02 },
  { column: 'depth', factor: 25.4, tolerance: 0.02 },
  { column: 'ix', factor: 416231.4256, tolerance: 0.05 },
] as const;

function crossCheck(row: MaterialRow, shapes: UsShapes, report: Report): void {
  const counterpart = row.properties.get('counterpart');
  if (typeof counterpart !== 'object') return;
  const { standard, edition, variant } = row;
  const known = shapes.of({ standard, edition, variant });
  if (row.unitSystem === 'US') {
    known.set(row.designation, row.numbers);
    return;
  }
  const us = known.get(counterpart.text);
  if (!us) return;
  for (const { column, factor, tolerance } of CHECKED) {
    const [metric, customary] = [row.numbers[column], us[column]];
    if (!metric || !customary) continue;
    const expected = Number(customary) * factor;
    if (Math.abs(Number(metric) - expected) <= expected * tolerance) continue;
    report(column, metric, `does not agree with ${customary} in US units, which is ${expected.toPrecision(4)}`);
  }
}

function decimal(row: MaterialRow, name: string): string | undefined {
  const value = row.properties.get(name);
  return typeof value === 'string' ? value : undefined;
}
