import { StructdbError } from '../../core/errors.ts';
import type { RawRecord } from '../reading/delimited.ts';
import type { UnitSystem } from '../rows.ts';
import type { Block, BlockColumn } from './aisc-blocks.ts';
import { metricPower } from './aisc-columns.ts';
import type { Table } from './content.ts';

/** A unit as authors spell it: its system, and the power of ten before it. */
interface Unit {
  readonly system: UnitSystem;
  readonly power: number;
}

/**
 * The row of units that some authors put under the header: it proves the unit systems of the blocks. AISC has none.
 * @returns undefined when the first record is no such row
 * @throws CATALOG_UNKNOWN for units in which AISC's table is not published, and for halves in other units than AISC's
 */
export function readUnitsRow(table: Table, blocks: readonly Block[]): readonly UnitSystem[] | undefined {
  const record = table.records[0];
  if (record === undefined || !isUnitsRow(record, blocks)) return undefined;
  const cells = record.cells();
  const systems = blocks.map((block) => systemOf(table, block, cells, record.line));
  if (blocks.length === 2 && `${systems}` !== 'US,SI') {
    throw refusal(table, record.line, `gives ${systems.join(' and ')} units where AISC has US and then SI`);
  }
  return systems;
}

/** Words in place of values, most of which are units. */
function isUnitsRow(record: RawRecord, blocks: readonly Block[]): boolean {
  const cells = record.cells();
  const values = valuesOf(blocks[0]!).map(({ at }) => cells[at]?.trim() ?? '');
  const units = values.filter((cell) => UNIT.test(spelled(cell)));
  return units.length >= 3 && !values.some((cell) => /^\d+([./ ]\d+)*$/.test(cell) && cell !== '1');
}

function systemOf(table: Table, block: Block, cells: readonly string[], line: number): UnitSystem {
  const systems = new Set<UnitSystem>();
  for (const column of valuesOf(block)) {
    const cell = cells[column.at]?.trim() ?? '';
    if (!/[a-z"]/i.test(cell) || /^(none|n\/?a|unitless|-+)$/i.test(cell)) continue;
    const unit = parseUnit(cell);
    if (unit === undefined || unit.power !== expectedPower(column, unit)) {
      throw refusal(table, line, `says that ${column.name} is in "${cell}", in which AISC does not publish it`);
    }
    systems.add(unit.system);
  }
  if (systems.size !== 1) throw refusal(table, line, 'mixes US and SI units');
  return [...systems][0]!;
}

function expectedPower({ target }: BlockColumn, { system }: Unit): number {
  if (system === 'US') return 0;
  return metricPower(target.kind === 'number' ? target.column : target.kind === 'property' ? target.name : '');
}

/** Any unit, those that AISC does not use among them. */
const UNIT = /^(x?10[369]x?)?("|in|[cdm]?m\d?$|mm|ft|lb|plf|kg|kn|kip)/;

const EXPONENTS: Readonly<Record<string, string>> = { '²': '2', '³': '3', '⁴': '4', '⁶': '6', '⁹': '9' };

/** `10^6 mm^4`, `mm⁴ × 10⁶`, `in.4`, `IN^2` in one spelling: `106mm4`, `in4`. */
function spelled(cell: string): string {
  return cell
    .toLowerCase()
    .replaceAll(/[²³⁴⁶⁹]/g, (digit) => EXPONENTS[digit]!)
    .replaceAll(/[\s^.()[\]·×*]/g, '');
}

function parseUnit(cell: string): Unit | undefined {
  const text = spelled(cell);
  if (/^("|in(ch(es)?)?[2346]?|lbf?s?\/ft|plf)$/.test(text)) return { system: 'US', power: 0 };
  const metric = /^(?:x?10([369])x?)?(?:mm[2346]?|kg\/m)(?:(?:x|\/)?10([369]))?$/.exec(text);
  return metric ? { system: 'SI', power: Number(metric[1] ?? metric[2] ?? 0) } : undefined;
}

function valuesOf(block: Block): BlockColumn[] {
  return block.columns.filter(({ target }) => ['number', 'property', 'depth'].includes(target.kind));
}

function refusal(table: Table, line: number, reason: string): StructdbError {
  return new StructdbError('CATALOG_UNKNOWN', `${table.file}, line ${line}: the row of units ${reason}.`, {
    hint: 'Import values as AISC publishes them, or the file in the layout that docs/catalog.md describes.',
  });
}
