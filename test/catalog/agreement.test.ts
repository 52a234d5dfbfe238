import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { checkRecords } from '../../src/catalog/checks/records.ts';
import { CHECKED_COLUMNS } from '../../src/catalog/checks/values.ts';
import { shippedCatalogs } from '../../src/catalog/index.ts';
import type { MaterialContent } from '../../src/catalog/readers/content.ts';
import { readCatalog } from '../../src/catalog/readers/index.ts';
import type { MaterialRow } from '../../src/catalog/rows.ts';
import { PUBLISHED } from './support.ts';

const there = existsSync(path.join(PUBLISHED, 'aisc/v16.0-full.csv'));

function read(file: string) {
  const content = readCatalog(readFileSync(file), file, {}) as MaterialContent;
  const readings = [...checkRecords(content, file)];
  const rows = readings.flatMap((reading) => reading.rows) as MaterialRow[];
  return { content, readings, rows: new Map(rows.map((row) => [`${row.unitSystem} ${row.designation}`, row])) };
}

const published = (name: string) => read(path.join(PUBLISHED, 'aisc', name));

/** Every cell in which two files differ: `US W16X26 iy: 9.6, 9.59`. */
function differences(one: ReturnType<typeof read>, other: ReturnType<typeof read>): string[] {
  const columns = ['shape_type', 'manual_label', ...CHECKED_COLUMNS].filter(
    (column) => one.content.columns.has(column) && other.content.columns.has(column),
  );
  return [...one.rows].flatMap(([key, row]) => {
    const same = other.rows.get(key);
    if (!same) return [];
    return columns.flatMap((column) => {
      const [a, b] = [cell(row, column), cell(same, column)];
      return a === b ? [] : [`${key} ${column}: ${a}, ${b}`];
    });
  });
}

function cell({ numbers, properties, texts }: MaterialRow, column: string): string {
  const columns: Readonly<Record<string, string | null | undefined>> = { ...texts, ...numbers };
  return columns[column] ?? (properties.get(column) as string | undefined) ?? '';
}

/** v16.0 prints three digits of an outside diameter (13.4), the supplement all (13.375). */
function rounded(decimal: string): string {
  return Number(decimal).toPrecision(3);
}

/** Cells that a file displays with three digits, or with none behind the point, where the sheet behind it has one more. */
const DISPLAYED = [
  'US W30X116 perimeter: 100, 99.8',
  'US W24X176 perimeter: 100, 99.6',
  'US W24X162 perimeter: 100, 99.7',
  'US ST2X4.75 warping_constant: 0.01, 0.00995',
  'US 2L2-1/2X1-1/2X1/4SLBB polar_radius: 1.26, 1.264',
  'US 2L2-1/2X1-1/2X1/4X3/8SLBB polar_radius: 1.4, 1.399',
  'US 2L2-1/2X1-1/2X1/4X3/4SLBB polar_radius: 1.55, 1.545',
  'US 2L2-1/2X1-1/2X3/16SLBB polar_radius: 1.26, 1.258',
  'US 2L2-1/2X1-1/2X3/16X3/4SLBB polar_radius: 1.53, 1.534',
];

(there ? describe : describe.skip)("publishers' files of the same edition", () => {
  const v16 = there ? published('v16.0-full.csv') : read(shippedCatalogs()[0]!);

  it('v16.0: the shipped table has every cell of the published one', () => {
    const shipped = read(shippedCatalogs()[0]!);
    expect([v16.rows.size, shipped.rows.size]).toEqual([4598, 4598]);
    expect(differences(v16, shipped)).toEqual([]);
  });

  it('v16.0: formatted and raw cells are the same but for 14 that are displayed with a digit less', () => {
    const raw = published('v16.0-full-raw-cells.csv');
    expect(raw.rows.size).toBe(4598);
    expect(differences(v16, raw).toSorted()).toEqual(
      [
        ...DISPLAYED,
        'US W16X26 iy: 9.6, 9.59',
        'SI L152X152X22.2 z_a: 100, 99.8',
        'SI L152X152X22.2 z_c: 100, 99.8',
        'SI L152X102X15.9 z_c: 100, 99.8',
        'SI L152X89X12.7 z_c: 99, 99.1',
      ].toSorted(),
    );
  });

  it('v15.0: two US halves are those of the whole file, but for 10 cells of one that displays a digit less', () => {
    const [whole, us, windows] = ['v15.0-full.csv', 'v15.0-us.csv', 'v15.0-us-windows-1252.csv'].map(published);
    expect([whole!.rows.size, us!.rows.size, windows!.rows.size]).toEqual([4182, 2091, 2091]);
    expect(differences(us!, whole!)).toEqual([]);
    expect(differences(windows!, whole!).toSorted()).toEqual(
      [...DISPLAYED, 'US C7X9.8 warping_moment_2: 0.58, 0.579'].toSorted(),
    );
  });

  it('A1085: shapes that are in v16.0 too have the same outside dimensions and nominal wall, to three digits', () => {
    const supplement = published('v16.0-a1085-supplement.csv');
    const outside = ['depth', 'overall_height', 'overall_width', 'outside_diameter', 'wall_thickness_nominal'];
    const byLabel = new Map([...v16.rows.values()].map((row) => [row.texts.manual_label, row]));
    const shared = [...supplement.rows.values()].filter(({ texts }) => byLabel.has(texts.manual_label));
    expect([supplement.rows.size, shared.length]).toEqual([650, 640]);
    const apart = shared.flatMap((row) => {
      const same = byLabel.get(row.texts.manual_label)!;
      return outside.flatMap((column) => {
        const [a, b] = [cell(row, column), cell(same, column)];
        return a === b || rounded(a) === rounded(b) ? [] : [`${row.designation} ${column}: ${a}, ${b}`];
      });
    });
    expect(apart).toEqual([]);
  });

  it('are without a finding that docs/catalog-checks.md does not explain', () => {
    for (const name of ['v16.0-full.csv', 'v15.0-full.csv', 'v16.0-a1085-supplement.csv']) {
      const { readings } = published(name);
      expect([name, readings.flatMap((reading) => [...reading.problems, ...(reading.warnings ?? [])])]).toEqual([
        name,
        [],
      ]);
    }
    const { readings } = published('v14.1-us-two-null-spellings.csv');
    const told = readings.flatMap((reading) => [...reading.problems, ...(reading.warnings ?? [])]);
    expect(told.map(({ column, value }) => `${column} ${value}`)).toEqual([
      'k1 91/97',
      'k1 91/97',
      'k1 91/97',
      'k1 69/85',
    ]);
  });
});
