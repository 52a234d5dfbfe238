import { Properties } from '../properties.ts';
import { parseDecimal, parseFraction } from '../reading/decimal.ts';
import type { DelimitedLine } from '../reading/delimited.ts';
import type { MaterialRow } from '../rows.ts';
import { bad, type CatalogReader, type MaterialContent, type Reading, recordProblem, type Table } from './content.ts';
import { refuseUnknownColumns } from './header.ts';

const COLUMNS = ['designation', 'grade', 'product_form', 'fy_ksi', 'fu_ksi', 'source'];
const NOT_STATED = 'form not stated in source';

/** A list of ASTM grades with minimum strengths in ksi: the product form may name an edition and a range of thickness. */
export const astmGradesReader: CatalogReader = Object.freeze({
  format: 'ASTM grades',
  streams: true,
  recognises: (header: readonly string[]) => COLUMNS.every((name) => header.includes(name)),
  read: readGrades,
});

function readGrades(table: Table): MaterialContent {
  refuseUnknownColumns(table, (name) => COLUMNS.includes(name), astmGradesReader.format);
  return {
    kind: 'materials',
    format: astmGradesReader.format,
    records: table.records,
    recognised: table.recognised,
    read: (record) => readGrade(table, record),
    columns: new Set([
      ...['kind', 'product_form', 'fy', 'fu', 'fy_max', 'fu_max', 'thickness_over', 'thickness_to', 'source'],
    ]),
    headerOf,
    whole: () => [],
  };
}

function readGrade(table: Table, record: DelimitedLine): Reading<MaterialRow> {
  const cell = (name: string) => record.cells[table.header.indexOf(name)]?.trim() ?? '';
  const problem = (column: string, reason: string) => ({
    ...{ file: table.file, line: record.line, column, value: cell(column), reason },
  });
  const missing = ['designation', 'grade'].find((name) => cell(name) === '');
  const wrong = ['fy_ksi', 'fu_ksi'].find((name) => cell(name) !== '' && parseDecimal(cell(name)) === undefined);
  const broken =
    recordProblem(table, record) ??
    (missing && problem(missing, 'must not be empty')) ??
    (wrong && problem(wrong, 'not a number'));
  if (broken) return bad(broken);
  const form = readForm(cell('product_form'));
  const properties = new Properties();
  for (const [name, value] of form.thickness) properties.add(name, value);
  for (const [, name, value] of cell('source').matchAll(/\[F([yu]) max ([\d.]+)/g)) {
    properties.add(`f${name}_max`, parseDecimal(value!)!);
  }
  if (cell('source') !== '') properties.add('source', { text: cell('source') });
  const row: MaterialRow = {
    line: record.line,
    standard: cell('designation'),
    edition: form.edition,
    unitSystem: 'US',
    designation: cell('grade').toUpperCase(),
    variant: form.variant,
    texts: { kind: /bolt|rod/.test(form.product ?? '') ? 'bolt' : 'material', product_form: form.product },
    numbers: { fy: parseDecimal(cell('fy_ksi')) ?? null, fu: parseDecimal(cell('fu_ksi')) ?? null },
    properties,
  };
  return { rows: [row], problems: [] };
}

/**
 * `HSS round (A500-21)` → edition 21; `plates (over 2-1/2 to 4 in.)` → plates, over 2.5 to 4. Strengths depend on form,
 * thickness and edition, so all three are part of the key: form and thickness as the variant.
 */
function readForm(text: string) {
  const edition = /\(A\d+-(\d+\w*)\)/.exec(text)?.[1] ?? beforeEdition(text) ?? 'undated';
  const described = text.replace(/\s*\((?:A\d+[- ][^)]*|newer edition)\)/, '').replace(NOT_STATED, '');
  const ranges = [...described.matchAll(/(?:over (\S+) )?to (\S+) in\./g)];
  const inches = (value: string) => parseFraction(value) ?? parseDecimal(value)!;
  const decimals = described.replace(/\d+-\d+\/\d+|\d+\/\d+/g, inches);
  const thickness: [string, string][] = [];
  // Two ranges ("shapes (to 3 in.) and plates (to 4 in.)") do not fit one pair of numbers: they stay words.
  if (ranges.length === 1) {
    const [, over, to] = ranges[0]!;
    if (over !== undefined) thickness.push(['thickness_over', inches(over)]);
    thickness.push(['thickness_to', inches(to!)]);
  }
  const product = ranges.length === 1 ? described.replace(/\s*\(?(?:over \S+ )?to \S+ in\.\)?/, '') : described;
  const variant = decimals
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/\.(?!\d)/g, '')
    .replace(/^-|-$/g, '');
  return { edition, product: product === '' ? null : product, variant, thickness };
}

/** `(A500 before 2021)` → `before 21`. */
function beforeEdition(text: string): string | undefined {
  const year = /\(A\d+ before 20(\d\d)\)/.exec(text)?.[1];
  return year === undefined ? undefined : `before ${year}`;
}

function headerOf(column: string): string {
  if (column === 'designation') return 'grade';
  return column === 'fy' || column === 'fu' ? `${column}_ksi` : /_max$/.test(column) ? 'source' : column;
}
