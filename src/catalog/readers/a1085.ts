import type { MaterialRow, RowProblem } from '../rows.ts';
import { aiscColumn } from './aisc-columns.ts';
import { ediName } from './aisc-designation.ts';
import { columnNames, headerOf, readValues } from './aisc-values.ts';
import { type CatalogReader, lengthProblem, type MaterialContent, type Table } from './content.ts';
import { refuseUnknownColumns } from './header.ts';

const SCOPE = { standard: 'AISC A1085', edition: 'v16.0', unitSystem: 'US' } as const;
const SHAPES = 650;

/**
 * AISC's supplement for HSS to ASTM A1085. Most of its shapes have the names of v16.0 and other properties (A1085 is
 * designed with the full nominal wall), so it is a standard of its own and never touches the rows of the main table.
 */
export const a1085Reader: CatalogReader = Object.freeze({
  format: "AISC's supplement for HSS to A1085",
  recognises: (header: readonly string[]) => ['Type', 'Shape', 'WFD', 'WFW', 'D/tdes'].every((n) => header.includes(n)),
  read: readSupplement,
});

function readSupplement(table: Table): MaterialContent {
  refuseUnknownColumns(table, (name) => name === 'Shape' || aiscColumn(name) !== undefined, a1085Reader.format);
  const columns = table.header.flatMap((name, at) =>
    name === 'Shape' ? [] : [{ at, name, target: aiscColumn(name)! }],
  );
  const labelAt = table.header.indexOf('Shape');
  const typeAt = table.header.indexOf('Type');
  const rows: MaterialRow[] = [];
  const problems: RowProblem[] = [];
  for (const record of table.records) {
    const { line, cells } = record;
    const label = cells[labelAt]?.trim() ?? '';
    const type = cells[typeAt]?.trim() ?? '';
    const broken =
      lengthProblem(table, record) ??
      (type === 'HSS' ? undefined : problem(table, line, 'Type', type, 'the supplement holds HSS only')) ??
      (label === '' ? problem(table, line, 'Shape', '', 'the shape has no name') : undefined);
    if (broken) {
      problems.push(broken);
      continue;
    }
    const values = readValues(table.file, record, columns);
    problems.push(...values.problems);
    if (values.problems.length > 0) continue;
    rows.push({
      ...SCOPE,
      line,
      designation: ediName(label),
      variant: '',
      texts: { kind: 'shape', shape_type: 'HSS', manual_label: label, product_form: 'HSS' },
      numbers: values.numbers,
      properties: values.properties,
    });
  }
  return {
    kind: 'materials',
    format: a1085Reader.format,
    rows,
    problems,
    columns: new Set(['kind', 'shape_type', 'manual_label', 'product_form', ...columnNames(columns)]),
    headerOf: (column) => headerOf(columns, column),
    whole: new Set(rows.map((row) => row.designation)).size === SHAPES && problems.length === 0 ? [SCOPE] : [],
  };
}

function problem(table: Table, line: number, column: string, value: string, reason: string): RowProblem {
  return { file: table.file, line, column, value, reason };
}
