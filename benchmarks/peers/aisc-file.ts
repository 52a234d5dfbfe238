/**
 * The shapes that ship in the layout of AISC's own file: 166 columns, US and metric side by side under the same headers,
 * en dashes for what a shape does not have.
 */
import { readFileSync } from 'node:fs';
import { shippedCatalogs } from '../../src/catalog/index.ts';
import { aiscColumn, metricPower } from '../../src/catalog/readers/aisc-columns.ts';
import { timesPowerOfTen } from '../../src/catalog/reading/decimal.ts';
import { splitRecords } from '../../src/catalog/reading/delimited.ts';

const VALUES =
  'W A d ddet Ht h OD bf bfdet B b ID tw twdet twdet/2 tf tfdet t tnom tdes kdes kdet k1 x y eo xp yp bf/2tf b/t b/tdes h/tw h/tdes D/t Ix Zx Sx rx Iy Zy Sy ry Iz rz Sz J Cw C Wno Sw1 Sw2 Sw3 Qf Qw ro H tan(α) Iw zA zB zC wA wB wC SwA SwB SwC SzA SzB SzC rts ho PA PA2 PB PC PD T WGi WGo'.split(
    ' ',
  );
const NAMES = ['EDI_Std_Nomenclature', 'AISC_Manual_Label'];

type Row = ReadonlyMap<string, string>;

export function aiscFile(): string {
  const [shapes] = shippedCatalogs();
  const [header, ...records] = splitRecords(readFileSync(shapes!, 'utf8'), shapes!);
  const names = header!.cells();
  const rows = records.map((record) => new Map(record.cells().map((cell, at) => [names[at]!, cell])));
  const metric = new Map(
    rows.filter((row) => row.get('unit_system') === 'SI').map((row) => [row.get('designation'), row]),
  );
  const lines = rows
    .filter((row) => row.get('unit_system') === 'US')
    .map((us) => {
      const si = metric.get(us.get('counterpart'))!;
      return [us.get('shape_type')!, ...half(us, '–'), ...half(si)].join(',');
    });
  return `\ufeff${[['Type', ...NAMES, 'T_F', ...VALUES, ...NAMES, ...VALUES].join(','), ...lines].join('\r\n')}\r\n`;
}

function half(row: Row, note?: string): string[] {
  return [
    row.get('designation')!,
    row.get('manual_label')!,
    ...(note === undefined ? [] : [note]),
    ...VALUES.map((name) => cellOf(row, name) || '–'),
  ];
}

function cellOf(row: Row, name: string): string | undefined {
  const target = aiscColumn(name)!;
  if (target.kind === 'number') return printed(row, target.column);
  if (target.kind === 'property') return printed(row, target.name);
  if (target.kind !== 'depth') return undefined;
  if (target.name) return row.get(target.name);
  return row.get('overall_height') || row.get('outside_diameter') ? undefined : row.get('depth');
}

/** AISC prints metric values in powers of ten. */
function printed(row: Row, column: string): string | undefined {
  const value = row.get(column);
  return value && row.get('unit_system') === 'SI' ? timesPowerOfTen(value, -metricPower(column)) : value;
}
