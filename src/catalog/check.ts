import type { CatalogContent, MaterialContent, Reading } from './readers/content.ts';
import { type MaterialRow, NUMBER_COLUMNS, type ReferenceRow, type RowProblem } from './rows.ts';

export type CatalogRow = MaterialRow | ReferenceRow;

/**
 * Reads and checks the records of a file one after the other: besides cells that cannot be read, values that no such
 * material has, values that contradict each other, and rows given twice. A record with a problem yields no row.
 */
export function* checkRecords(content: CatalogContent, file: string): Generator<Reading<CatalogRow>> {
  const seen = new Map<string, number>();
  const shapes: UsShapes = new Map();
  for (const record of content.records) {
    const reading = content.read({ line: record.line, cells: record.cells() });
    if (reading.problems.length > 0) {
      yield reading;
      continue;
    }
    const problems: RowProblem[] = [];
    for (const row of reading.rows) {
      reportRepetition(content, row, seen, file, problems);
      if (content.kind === 'materials') reportMaterial(content, row as MaterialRow, shapes, file, problems);
    }
    yield problems.length > 0 ? { rows: [], problems } : reading;
  }
}

function reportRepetition(
  content: CatalogContent,
  row: CatalogRow,
  seen: Map<string, number>,
  file: string,
  problems: RowProblem[],
): void {
  const key =
    'section' in row
      ? `${row.standard}\u0000${row.edition}\u0000${row.section}`
      : `${row.standard}\u0000${row.edition}\u0000${row.unitSystem}\u0000${row.designation}\u0000${row.variant}`;
  const line = seen.get(key);
  if (line === undefined) {
    seen.set(key, row.line);
    return;
  }
  const reason = `the same row stands on line ${line}`;
  if ('section' in row) problems.push({ file, line: row.line, column: 'section', value: row.section, reason });
  else if (content.kind === 'materials') {
    const column = content.headerOf('designation', row.unitSystem);
    problems.push({ file, line: row.line, column, value: row.designation, reason });
  }
}

/** The values of US rows that SI rows are checked against, by standard, edition and name. */
type UsShapes = Map<string, MaterialRow['numbers']>;

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
  const flange = decimal(row, 'flange_thickness');
  const web = decimal(row, 'web_thickness');
  // tw and tf swapped is the oldest error of public tables (boltsparts/boltsparts#22); no W shape has tf <= tw.
  if (row.texts.shape_type === 'W' && flange && web && Number(flange) <= Number(web)) {
    report('flange_thickness', flange, `not more than the web's ${web}, which no W shape has; are tf and tw swapped?`);
  }
  for (const name of ['fy', 'fu'] as const) {
    const least = row.numbers[name];
    const most = decimal(row, `${name}_max`);
    if (least && most && Number(most) < Number(least)) report(`${name}_max`, most, `less than the minimum of ${least}`);
  }
  const { fy, fu } = row.numbers;
  if (fy && fu && Number(fy) > Number(fu)) report('fy', fy, `more than the tensile strength of ${fu}`);
  crossCheck(row, shapes, report);
}

/**
 * SI values against the US values of the same shape, where the file has both. Metric values are rounded on their own, hence
 * the tolerance; metric weights are nominal and go up to 7 % away (WT7X436.5 of v16.0). More is a wrong column or unit.
 */
const CHECKED = [
  { column: 'weight', factor: 1.488164, tolerance: 0.1 },
  { column: 'area', factor: 645.16, tolerance: 0.02 },
  { column: 'depth', factor: 25.4, tolerance: 0.02 },
  { column: 'ix', factor: 0.4162314, tolerance: 0.05 },
] as const;

function crossCheck(
  row: MaterialRow,
  shapes: UsShapes,
  report: (column: string, value: string, reason: string) => void,
): void {
  const counterpart = row.properties.get('counterpart');
  if (typeof counterpart !== 'object') return;
  const scope = `${row.standard}\u0000${row.edition}\u0000`;
  if (row.unitSystem === 'US') {
    shapes.set(scope + row.designation, row.numbers);
    return;
  }
  const us = shapes.get(scope + counterpart.text);
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
