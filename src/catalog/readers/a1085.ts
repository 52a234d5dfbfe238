import type { DelimitedLine } from '../reading/delimited.ts';
import type { MaterialRow, RowProblem } from '../rows.ts';
import { inStoredOrder } from './aisc-blocks.ts';
import { aiscColumn } from './aisc-columns.ts';
import { ediNameOfLabel } from './aisc-designation.ts';
import { columnNames, headerOf, planValues, readValues, type ValuePlan } from './aisc-values.ts';
import { bad, type CatalogReader, type MaterialContent, type Reading, recordProblem, type Table } from './content.ts';
import { refuseUnknownColumns } from './header.ts';

const SCOPE = { standard: 'AISC', edition: 'v16.0', unitSystem: 'US', variant: 'A1085' } as const;
const SHAPES = 650;

/**
 * AISC's supplement for HSS to ASTM A1085. Most of its shapes have the names of v16.0 and other properties (A1085 is
 * designed with the full nominal wall), so it is a variant of its own and never touches the rows of the main table.
 */
export const a1085Reader: CatalogReader = Object.freeze({
  format: "AISC's supplement for HSS to A1085",
  recognises: (header: readonly string[]) => ['Type', 'Shape', 'WFD', 'WFW', 'D/tdes'].every((n) => header.includes(n)),
  read: readSupplement,
});

function readSupplement(table: Table): MaterialContent {
  refuseUnknownColumns(table, (name) => name === 'Shape' || aiscColumn(name) !== undefined, a1085Reader.format);
  const columns = inStoredOrder(
    table.header.flatMap((name, at) =>
      name === 'Shape' || name === '' ? [] : [{ at, name, target: aiscColumn(name)! }],
    ),
  );
  const plan = planValues(columns);
  const shapeAt = table.header.indexOf('Shape');
  const names = new Set(table.records.map((record) => record.cells(shapeAt + 1)[shapeAt]));
  return {
    kind: 'materials',
    format: a1085Reader.format,
    records: table.records,
    recognised: table.recognised,
    read: (record) => readShape(table, plan, record),
    columns: new Set(['kind', 'shape_type', 'manual_label', 'product_form', ...columnNames(columns)]),
    headerOf: (column) => (column === 'designation' ? 'Shape' : headerOf(columns, column)),
    scopes: [SCOPE],
    whole: () => (names.size === SHAPES && table.records.length === SHAPES ? [SCOPE] : []),
  };
}

function readShape(table: Table, plan: ValuePlan, record: DelimitedLine): Reading<MaterialRow> {
  const cell = (name: string) => record.cells[table.header.indexOf(name)]?.trim() ?? '';
  const label = cell('Shape');
  const broken =
    recordProblem(table, record) ??
    (cell('Type') === 'HSS' ? undefined : problem(table, record, 'Type', 'the supplement holds HSS only')) ??
    (label === '' ? problem(table, record, 'Shape', 'the shape has no name') : undefined);
  if (broken) return bad(broken);
  const { numbers, properties, problems } = readValues(table.file, record, plan);
  if (problems.length > 0) return bad(...problems);
  const texts = { kind: 'shape', shape_type: 'HSS', manual_label: label, product_form: 'HSS' };
  const row = { ...SCOPE, line: record.line, designation: ediNameOfLabel(label), texts, numbers, properties };
  return { rows: [row], problems };
}

function problem(table: Table, record: DelimitedLine, column: string, reason: string): RowProblem {
  const value = record.cells[table.header.indexOf(column)] ?? '';
  return { file: table.file, line: record.line, column, value, reason };
}
