import { StructdbError } from '../../core/errors.ts';
import { inJsonbOrder } from '../properties.ts';
import { aiscColumn, metricPower, type Target } from './aisc-columns.ts';
import type { Table } from './content.ts';

export const DESIGNATION = 'EDI_Std_Nomenclature';
export const LABEL = 'AISC_Manual_Label';
const NECESSARY = ['W', 'A', 'Ix', 'Sx', 'Zx', 'Iy', 'Sy', 'Zy'];

/** The columns of one unit system: each with its place in the record and where its value goes. */
export interface Block {
  readonly columns: readonly BlockColumn[];
  /** Where the EDI name stands; the label, from which it follows, where the file has no EDI names. */
  readonly designationAt: number;
  readonly designationHeader: string;
  readonly hasEdiNames: boolean;
  readonly labelAt: number | undefined;
}

export interface BlockColumn {
  readonly at: number;
  /** For messages: the header, and which half of the file where there are two. */
  readonly name: string;
  readonly target: Target;
  /** The power of ten that the column leaves out of its numbers: 6 for Ix of the metric half, which is in 10⁶ mm⁴. */
  readonly power?: number;
}

/**
 * The halves of AISC's table. The metric half repeats every header of the US half, so that columns are found by half
 * and never by name alone. @throws CATALOG_UNKNOWN for a header that AISC's table does not have, or has only once
 */
export function splitBlocks(table: Table): Block[] {
  const { header } = table;
  const key = header.includes(DESIGNATION) ? DESIGNATION : LABEL;
  const first = header.indexOf(key);
  // pandas renames what it has read before: `W` of the metric half comes out as `W.1`.
  const second = header.findIndex((name, at) => at > first && (name === key || name === `${key}.1`));
  if (second < 0) return [readHeaders(table, 0, header.length, '')];
  return [readHeaders(table, 0, second, ' (US)'), readHeaders(table, second, header.length, ' (metric)')];
}

/** The first of the columns at the end that have no header: nobody can say what they hold. */
export function endOfHeader({ header }: Table): number {
  return header.findLastIndex((name) => name !== '') + 1;
}

/** The block with the powers of ten of AISC's metric columns, so that its values come out in mm, mm², mm³, mm⁴ and mm⁶. */
export function metricBlock(block: Block): Block {
  const columns = block.columns.map((column) => {
    const { target } = column;
    const power = metricPower(target.kind === 'number' ? target.column : target.kind === 'property' ? target.name : '');
    return power === 0 ? column : { ...column, power };
  });
  return { ...block, columns };
}

function readHeaders(table: Table, from: number, to: number, half: string): Block {
  const seen = new Map<string, BlockColumn>();
  const renamed = table.header[from]!.endsWith('.1');
  for (let at = from; at < Math.min(to, endOfHeader(table)); at += 1) {
    if (table.leftOut?.has(at)) continue;
    const header = renamed ? table.header[at]!.replace(/\.1$/, '') : table.header[at]!;
    const target = aiscColumn(header);
    const place = `column ${at + 1}`;
    if (header === '') throw notOurs(table, `${place} has values and no header`);
    if (!target) throw notOurs(table, `${place}, "${header}", is none of AISC's`);
    if (seen.has(header)) throw notOurs(table, `${place}, "${header}"${half}, occurs twice`);
    seen.set(header, { at, name: header + half, target });
  }
  const missing = NECESSARY.filter((header) => !seen.has(header));
  if (missing.length > 0) throw notOurs(table, `it has no column ${missing.join(', ')}${half}`);
  const name = seen.get(DESIGNATION) ?? seen.get(LABEL)!;
  return {
    columns: inStoredOrder([...seen.values()]),
    designationAt: name.at,
    designationHeader: name.name,
    hasEdiNames: seen.has(DESIGNATION),
    labelAt: seen.get(LABEL)?.at,
  };
}

function notOurs(table: Table, reason: string): StructdbError {
  return new StructdbError('CATALOG_UNKNOWN', `${table.file} looks like AISC's shapes database, but ${reason}.`, {
    hint: 'Import the file as AISC publishes it, or one in the layout that docs/catalog.md describes.',
  });
}

/** The columns in the order in which their values are best stored: those that fill no property first. */
export function inStoredOrder(columns: readonly BlockColumn[]): BlockColumn[] {
  const nameOf = ({ target }: BlockColumn) => ('name' in target && target.name) || '';
  return columns.toSorted((a, b) => inJsonbOrder(nameOf(a), nameOf(b)));
}
