import { StructdbError } from '../../core/errors.ts';
import type { DelimitedLine } from '../reading/delimited.ts';
import type { MaterialRow, RowProblem, UnitSystem } from '../rows.ts';
import { type Block, DESIGNATION, endOfHeader, LABEL, metricBlock, splitBlocks } from './aisc-blocks.ts';
import { ediNameOfLabel } from './aisc-designation.ts';
import { publishedTable, refuseContradiction } from './aisc-editions.ts';
import { readUnitsRow } from './aisc-units-row.ts';
import { columnNames, headerOf, planValues, readValues, type ValuePlan } from './aisc-values.ts';
import {
  bad,
  type CatalogReader,
  type Declared,
  type MaterialContent,
  type Reading,
  recordProblem,
  type Table,
} from './content.ts';

/** The shape types of AISC's table. */
export const SHAPE_TYPES: ReadonlySet<string> = new Set([
  ...['W', 'M', 'S', 'HP', 'C', 'MC', 'L', '2L', 'WT', 'MT', 'ST', 'HSS', 'PIPE'],
]);

/** AISC's shapes database as AISC publishes it: v14.1, v15.0 and v16.0, US and metric side by side or one of them. */
export const aiscShapesReader: CatalogReader = Object.freeze({
  format: "AISC's shapes database",
  recognises: (header: readonly string[]) =>
    header.includes('Type') && (header.includes(DESIGNATION) || header.includes(LABEL)),
  read: readAiscShapes,
});

function readAiscShapes(file: Table, declared: Declared): MaterialContent {
  const printed = splitBlocks(file);
  const units = readUnitsRow(file, printed);
  const table = units ? { ...file, records: file.records.slice(1) } : file;
  const identity = identify(table, printed, declared, units);
  const blocks = printed.map((block, index) => (identity.unitSystems[index] === 'SI' ? metricBlock(block) : block));
  const plans = blocks.map(({ columns }) => planValues(columns, blocks.length === 2 ? ['counterpart'] : []));
  const columns = new Set(['kind', 'shape_type', ...blocks.flatMap((block) => columnNames(block.columns))]);
  if (blocks.length === 2) columns.add('counterpart');
  if (blocks[0]!.labelAt !== undefined) columns.add('manual_label');
  const { edition, unitSystems } = identity;
  const scopes = unitSystems.map((unitSystem) => ({ standard: 'AISC', edition, unitSystem, variant: '' }));
  return {
    kind: 'materials',
    format: aiscShapesReader.format,
    records: table.records,
    recognised: { ...table.recognised, notes: [...(table.recognised.notes ?? []), ...notesOf(table, printed, units)] },
    read: (record) => readShape(table, blocks, plans, identity, record),
    columns,
    headerOf: (column, unitSystem) => headerOf(blocks[unitSystems.indexOf(unitSystem)]!.columns, column),
    scopes,
    whole: () => (identity.whole ? scopes : []),
    ...(identity.undecided ? { undecided: identity.undecided } : {}),
  };
}

function notesOf(table: Table, blocks: readonly Block[], units: readonly UnitSystem[] | undefined): string[] {
  const nameless = table.header.length - endOfHeader(table);
  const valued =
    nameless > 0 && [...table.header.keys()].some((at) => table.header[at] === '' && !table.leftOut?.has(at));
  return [
    ...(units ? [`The row of units below the header says ${units.join(' and ')}.`] : []),
    ...(blocks[0]!.hasEdiNames ? [] : ['The file has no EDI names: they are derived from the labels of the Manual.']),
    ...(valued
      ? [`What stands right of "${table.header[endOfHeader(table) - 1]}" has no header and was skipped.`]
      : []),
  ];
}

/** A shape is taken whole or not at all: half of it in the database would look like a shape without metric values. */
function readShape(
  table: Table,
  blocks: readonly Block[],
  plans: readonly ValuePlan[],
  { edition, unitSystems }: Identity,
  record: DelimitedLine,
): Reading<MaterialRow> {
  const typeAt = table.header.indexOf('Type');
  const broken = recordProblem(table, record) ?? nameProblem(table, record, blocks, typeAt);
  if (broken) return bad(broken);
  const names = blocks.map((block, index) => nameOf(record.cells, block, unitSystems[index]!));
  const values = plans.map((plan) => readValues(table.file, record, plan));
  const problems = values.flatMap((value) => value.problems);
  if (problems.length > 0) return bad(...problems);
  const rows = blocks.map((block, index) => {
    const { numbers, properties } = values[index]!;
    if (blocks.length === 2) properties.add('counterpart', { text: names[1 - index]! });
    return {
      line: record.line,
      standard: 'AISC',
      edition,
      unitSystem: unitSystems[index]!,
      designation: names[index]!,
      variant: '',
      texts: {
        kind: 'shape',
        shape_type: record.cells[typeAt]!.trim().toUpperCase(),
        ...(block.labelAt === undefined ? {} : { manual_label: record.cells[block.labelAt]!.trim() }),
      },
      numbers,
      properties,
    };
  });
  return { rows, problems };
}

interface Identity {
  readonly edition: string;
  readonly unitSystems: readonly UnitSystem[];
  readonly whole: boolean;
  readonly undecided?: StructdbError;
}

/** Edition and unit systems: from the names of all shapes where they are those of a published table, else as declared. */
function identify(
  table: Table,
  blocks: readonly Block[],
  declared: Declared,
  units: readonly UnitSystem[] | undefined,
): Identity {
  const [block] = blocks as [Block];
  const single = blocks.length === 1;
  const namesIn = (system: UnitSystem) =>
    table.records.map((record) => nameOf(record.cells(block.designationAt + 1), block, system));
  const published =
    publishedTable(namesIn('US')) ?? (single && !block.hasEdiNames ? publishedTable(namesIn('SI')) : undefined);
  refuseContradiction(table.file, published, single ? declared : { edition: declared.edition });
  if (single && units) refuseOtherUnits(table, units[0]!, published?.unitSystem ?? declared.unitSystem);
  const stated = table.stated?.editions;
  const edition = published?.edition ?? declared.edition ?? (stated?.length === 1 ? stated[0] : undefined);
  refuseOtherEdition(table, edition);
  const unitSystem = published?.unitSystem ?? declared.unitSystem ?? units?.[0];
  const identity = {
    edition: edition ?? '',
    unitSystems: single ? [unitSystem ?? 'US'] : (['US', 'SI'] as const),
    whole: published !== undefined,
  };
  const missing = [
    ...(edition === undefined ? ['--edition v16.0'] : []),
    ...(single && unitSystem === undefined ? ['--unit-system US'] : []),
  ];
  if (missing.length === 0) return identity;
  const unknown =
    missing.length === 2 ? 'edition and unit system are' : `${edition === undefined ? 'edition' : 'unit system'} is`;
  return {
    ...identity,
    undecided: new StructdbError(
      'CATALOG_UNKNOWN',
      `${table.file} is part of AISC's shapes database (${table.records.length} shapes), and its ${unknown} not certain: the headers of all editions are the same.`,
      { hint: `Say which, for example: structdb catalog import ${table.file} ${missing.join(' ')}` },
    ),
  };
}

function refuseOtherEdition({ file, stated }: Table, edition: string | undefined): void {
  if (stated === undefined || edition === undefined || stated.editions.includes(edition)) return;
  throw new StructdbError(
    'CATALOG_UNKNOWN',
    `${file} holds AISC ${edition}, but ${stated.by} speaks of ${stated.editions.join(' and ')}.`,
    { hint: 'Find out which it is; AISC offers the workbooks of all editions at aisc.org.' },
  );
}

function refuseOtherUnits(table: Table, row: UnitSystem, known: UnitSystem | undefined): void {
  if (known === undefined || known === row) return;
  throw new StructdbError(
    'CATALOG_UNKNOWN',
    `${table.file} says ${row} units in the row below its header, but its shapes are those of the ${known} table.`,
    { hint: 'Find out in which units the values are, and correct that row or leave it out.' },
  );
}

function nameProblem(
  table: Table,
  record: DelimitedLine,
  blocks: readonly Block[],
  typeAt: number,
): RowProblem | undefined {
  const type = record.cells[typeAt]!.trim();
  const at = { file: table.file, line: record.line };
  if (!SHAPE_TYPES.has(type.toUpperCase())) {
    return { ...at, column: 'Type', value: type, reason: 'not a shape type of AISC' };
  }
  const nameless = blocks.find(({ designationAt }) => record.cells[designationAt]!.trim() === '');
  if (nameless) {
    return { ...at, column: nameless.designationHeader, value: '', reason: 'the shape has no name' };
  }
  return undefined;
}

/** Metric labels are the EDI names. */
function nameOf(cells: readonly string[], block: Block, unitSystem: UnitSystem): string {
  const name = (cells[block.designationAt] ?? '').trim();
  return block.hasEdiNames || unitSystem === 'SI' ? name.toUpperCase() : ediNameOfLabel(name);
}
