import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { checkRecords } from '../../src/catalog/checks/records.ts';
import { ediNameOfLabel } from '../../src/catalog/readers/aisc-designation.ts';
import type { CatalogContent, Declared } from '../../src/catalog/readers/content.ts';
import { readCatalog } from '../../src/catalog/readers/index.ts';
import { splitRecords } from '../../src/catalog/reading/delimited.ts';
import type { MaterialRow } from '../../src/catalog/rows.ts';
import { aiscFile, csv, PUBLISHED } from './support.ts';

const V16: Declared = { edition: 'v16.0' };
const US: Declared = { edition: 'v16.0', unitSystem: 'US' };

function read(text: string, declared: Declared) {
  const content = readCatalog(Buffer.from(text), 'file.csv', declared) as CatalogContent;
  const readings = [...checkRecords(content, 'file.csv')];
  const rows = readings.flatMap((reading) => reading.rows) as MaterialRow[];
  return { content, rows, problems: readings.flatMap((reading) => reading.problems) };
}

/** What the rows say, for comparing files that differ in form alone. */
function said(text: string, declared: Declared) {
  const { rows, problems, content } = read(text, declared);
  expect(problems).toEqual([]);
  return {
    notes: content.recognised.notes ?? [],
    rows: rows.map(({ line, ...row }) => ({ ...row, properties: row.properties.toJson() })),
  };
}

const cellsOf = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
const plain = said(aiscFile(), V16).rows;

describe("AISC's table with what programs add to it", () => {
  it.each([
    ['blank rows at its end', (text: string) => `${text},,,,,\n,,,\n\n`],
    ['CRLF', (text: string) => text.replaceAll('\n', '\r\n')],
    ['CR', (text: string) => text.replaceAll('\n', '\r')],
    ['no line end after the last row', (text: string) => text.trimEnd()],
    ['semicolons', (text: string) => text.replaceAll(',', ';')],
    ['tabs', (text: string) => text.replaceAll(',', '\t')],
    ['blank columns at its end', (text: string) => csv(cellsOf(text).map((row) => [...row, '', ' ', '']))],
    ['blank headers alone at its end', (text: string) => text.replace('\n', ',,\n')],
    ['a blank column inside', (text: string) => csv(cellsOf(text).map((row) => row.toSpliced(9, 0, '')))],
    ['the EDI name first', (text: string) => csv(cellsOf(text).map(([type, edi, ...rest]) => [edi!, type!, ...rest]))],
  ])('reads one with %s alike', (_, change) => {
    expect(said(change(aiscFile()), V16)).toEqual({ rows: plain, notes: [] });
  });

  it.each([
    [
      'a line of column numbers',
      'The first line counts the columns and was skipped.',
      (rows: string[][]) => [rows[0]!.map((_, at) => String(at)), ...rows],
    ],
    [
      'a column of row numbers',
      'The first column counts the rows and was skipped.',
      (rows: string[][]) => [
        ...rows.map((row, at) => [at === 0 ? '' : String(at - 1), ...row]),
        ['1', ...rows[0]!.map(() => '')],
      ],
    ],
    [
      'a column that pandas read without a header',
      'The first column counts the rows and was skipped.',
      (rows: string[][]) => rows.map((row, at) => [at === 0 ? 'Unnamed: 0' : String(at), ...row]),
    ],
    [
      'a remark right of its last header',
      'What stands right of "zB" has no header and was skipped.',
      (rows: string[][]) => rows.map((row, at) => [...row, at === 0 ? '' : 'checked']),
    ],
    [
      'a row of units',
      'The row of units below the header says US and SI.',
      (rows: string[][]) => rows.toSpliced(1, 0, unitsRow(rows[0]!, ['US', 'SI'])),
    ],
  ])('reads one with %s, and says what it skipped', (_, note, change) => {
    expect(said(csv(change(cellsOf(aiscFile()))), V16)).toEqual({ rows: plain, notes: [note] });
  });

  it('takes the second block as pandas renames it', () => {
    const names = cellsOf(aiscFile())[0]!;
    const renamed = names.map((name, at) => (names.indexOf(name) < at ? `${name}.1` : name));
    expect(renamed).toContain('A.1');
    expect(said(aiscFile({ header: () => renamed }), V16)).toEqual({ rows: plain, notes: [] });
  });

  it('refuses columns without a header in front of others, when they hold something', () => {
    const rows = cellsOf(aiscFile()).map((row, at) => row.toSpliced(9, 0, at === 0 ? '' : '5'));
    expect(() => read(csv(rows), V16)).toThrow('column 10 has values and no header');
    const numbered = cellsOf(aiscFile({ shapes: [{}, {}] })).map((row, at) => [['', '0', '7'][at]!, ...row]);
    expect(() => read(csv(numbered), V16)).toThrow('column 1 has values and no header');
  });
});

describe('a row of units', () => {
  const withUnits = (systems: readonly string[], changes: Record<string, string> = {}) => {
    const [header, ...rows] = cellsOf(aiscFile({ halves: systems.length as 1 | 2 }));
    return csv([header!, unitsRow(header!, systems, changes), ...rows]);
  };

  it('settles the unit system of a file in one', () => {
    const { rows } = read(withUnits(['US']), V16);
    expect(rows.map(({ unitSystem, numbers }) => [unitSystem, numbers.weight])).toEqual([['US', '90']]);
  });

  it.each([
    ['other units than declared', ['SI'], {}, US, 'says SI units in the row below its header'],
    ['both systems', ['US'], { A: 'mm2' }, V16, 'mixes US and SI units'],
    ['a unit of nobody', ['US'], { Ix: 'cm^4' }, V16, 'says that Ix is in "cm^4"'],
    ['millimetres where AISC has powers of ten', ['SI'], { Ix: 'mm^4' }, V16, 'says that Ix is in "mm^4"'],
    ['US units for the metric half', ['US', 'US'], {}, V16, 'gives US and US units where AISC has US and then SI'],
  ] as const)('with %s is refused', (_, systems, changes, declared, message) => {
    expect(() => read(withUnits(systems, changes), declared)).toThrow(message);
  });
});

const UNITS: Record<string, Record<string, string>> = {
  US: { W: 'lb/ft', A: 'in^2', d: 'in.', Ix: 'in.^4', Sx: 'in³', rx: '""""', T_F: '-' },
  SI: { W: 'kg/m', A: 'mm^2', d: 'mm', Ix: 'x10^6 mm^4', Sx: '10³ mm³', rx: 'MM' },
};

/** A row of units below a header, in one system for each half, with some cells of the last half changed. */
function unitsRow(
  header: readonly string[],
  systems: readonly string[],
  changes: Record<string, string> = {},
): string[] {
  const second = header.indexOf('EDI_Std_Nomenclature', 2);
  const last = systems.length - 1;
  return header.map((name, at) => {
    const half = second >= 0 && at >= second ? 1 : 0;
    return (half === last ? changes[name] : undefined) ?? UNITS[systems[half]!]![name] ?? '';
  });
}

describe('a table without EDI names', () => {
  it('gets them from the labels', () => {
    const rows = cellsOf(aiscFile({ shapes: [{ Type: 'HSS', AISC_Manual_Label: 'HSS8X8X1/2', tf: '–' }] }));
    const { content, rows: read1 } = read(csv(rows.map((row) => row.toSpliced(24 - 3, 1).toSpliced(1, 1))), V16);
    expect(read1.map(({ designation, texts }) => [designation, texts.manual_label])).toEqual([
      ['HSS8X8X.500', 'HSS8X8X1/2'],
      ['W360X134', 'W360X134'],
    ]);
    expect(content.recognised.notes).toEqual([
      'The file has no EDI names: they are derived from the labels of the Manual.',
    ]);
  });

  const files = ['v14.1-us-two-null-spellings.csv', 'v15.0-full.csv', 'v16.0-full.csv'].map((name) =>
    path.join(PUBLISHED, 'aisc', name),
  );
  (existsSync(files[0]!) ? it : it.skip)('gets those of AISC for every shape of v14.1, v15.0 and v16.0', () => {
    for (const file of files) {
      const [header, ...records] = splitRecords(readFileSync(file, 'utf8'), file);
      const at = header!.cells().indexOf('EDI_Std_Nomenclature');
      const wrong = records
        .map((record) => record.cells(at + 2).slice(at))
        .filter(([edi, label]) => ediNameOfLabel(label!.trim()) !== edi!.trim().toUpperCase());
      expect(wrong).toEqual([]);
      expect(records.length).toBeGreaterThan(1990);
    }
  });
});
