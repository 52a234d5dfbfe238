import type { CatalogContent, MaterialContent } from './readers/content.ts';
import { type MaterialRow, NUMBER_COLUMNS, type RowProblem } from './rows.ts';

/**
 * What is wrong with rows whose every cell reads well: values that no such material has, a value that contradicts
 * another, a name given twice. A row with a problem is left out by `goodRows`, together with its other unit system.
 */
export function findProblems(content: CatalogContent, file: string): RowProblem[] {
  const duplicates = findDuplicates(content, file);
  if (content.kind === 'references') return duplicates;
  const problems = content.rows.flatMap((row) => rowProblems(content, row, file));
  return [...duplicates, ...problems, ...crossCheck(content, file)].sort((a, b) => a.line - b.line);
}

/** The rows without those that begin on a line with a problem. */
export function goodRows<Content extends CatalogContent>(content: Content, problems: readonly RowProblem[]): Content {
  if (problems.length === 0) return content;
  const bad = new Set(problems.map(({ line }) => line));
  const rows = (content.rows as readonly { line: number }[]).filter(({ line }) => !bad.has(line));
  return { ...content, rows };
}

function findDuplicates(content: CatalogContent, file: string): RowProblem[] {
  const first = new Map<string, number>();
  const problems: RowProblem[] = [];
  for (const row of content.rows) {
    const [column, value, key] =
      'section' in row
        ? ['section', row.section, [row.standard, row.edition, row.section]]
        : ['designation', row.designation, [row.standard, row.edition, row.unitSystem, row.designation, row.variant]];
    const text = key.join('\u0000');
    const line = first.get(text);
    if (line === undefined) first.set(text, row.line);
    else problems.push({ file, line: row.line, column, value, reason: `the same row stands on line ${line}` });
  }
  return problems;
}

function rowProblems(content: MaterialContent, row: MaterialRow, file: string): RowProblem[] {
  const problems: RowProblem[] = [];
  const report = (column: string, value: string, reason: string) =>
    void problems.push({ file, line: row.line, column: content.headerOf(column, row.unitSystem), value, reason });
  const property = (name: string) => {
    const value = row.properties.get(name);
    return typeof value === 'string' ? value : undefined;
  };
  if (!/^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(row.designation)) {
    report('designation', row.designation, 'a designation is made of ASCII characters and single spaces');
  }
  for (const name of NUMBER_COLUMNS) if (row.numbers[name] === '0') report(name, '0', 'must be greater than zero');
  const [flange, web] = [property('flange_thickness'), property('web_thickness')];
  // tw and tf swapped is the oldest error of public tables (boltsparts/boltsparts#22); no W shape has tf <= tw.
  if (row.texts.shape_type === 'W' && flange && web && Number(flange) <= Number(web)) {
    report('flange_thickness', flange, `not more than the web's ${web}, which no W shape has; are tf and tw swapped?`);
  }
  const limits = [
    ['fy', row.numbers.fy, property('fy_max')],
    ['fu', row.numbers.fu, property('fu_max')],
  ] as const;
  for (const [name, least, most] of limits) {
    if (least && most && Number(most) < Number(least)) report(`${name}_max`, most, `less than the minimum of ${least}`);
  }
  const { fy, fu } = row.numbers;
  if (fy && fu && Number(fy) > Number(fu)) report('fy', fy, `more than the tensile strength of ${fu}`);
  return problems;
}

/**
 * SI values against the US values of the same line. Metric values are rounded on their own, hence the tolerance; metric
 * weights are nominal and go up to 7 % away (WT7X436.5 of v16.0). What is further off is a wrong column or unit.
 */
const CHECKED = [
  { column: 'weight', factor: 1.488164, tolerance: 0.1 },
  { column: 'area', factor: 645.16, tolerance: 0.02 },
  { column: 'depth', factor: 25.4, tolerance: 0.02 },
  { column: 'ix', factor: 0.4162314, tolerance: 0.05 },
] as const;

function crossCheck(content: MaterialContent, file: string): RowProblem[] {
  const names = new Map(
    content.rows.filter((row) => row.unitSystem === 'US').map((row) => [identity(row, row.designation), row]),
  );
  return content.rows.flatMap((row) => {
    const counterpart = row.properties.get('counterpart');
    if (row.unitSystem !== 'SI' || typeof counterpart !== 'object') return [];
    const us = names.get(identity(row, counterpart.text));
    if (!us) return [];
    return CHECKED.flatMap(({ column, factor, tolerance }) => {
      const [metric, customary] = [row.numbers[column], us.numbers[column]];
      if (!metric || !customary) return [];
      const expected = Number(customary) * factor;
      if (Math.abs(Number(metric) - expected) <= expected * tolerance) return [];
      const reason = `does not agree with ${customary} in US units, which is ${expected.toPrecision(4)}`;
      return [{ file, line: row.line, column: content.headerOf(column, 'SI'), value: metric, reason }];
    });
  });
}

function identity(row: MaterialRow, designation: string): string {
  return [row.standard, row.edition, designation].join('\u0000');
}
