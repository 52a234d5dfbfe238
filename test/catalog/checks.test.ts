import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ALLOWANCES } from '../../src/catalog/checks/allowances.ts';
import { judgeShape } from '../../src/catalog/checks/judge.ts';
import { halfUnit } from '../../src/catalog/checks/pair.ts';
import { checkRecords } from '../../src/catalog/checks/records.ts';
import type { Range, Rule } from '../../src/catalog/checks/rule.ts';
import { RULES } from '../../src/catalog/checks/rules/index.ts';
import { CHECKED_COLUMNS, placeOf, valuesOf } from '../../src/catalog/checks/values.ts';
import { shippedCatalogs } from '../../src/catalog/index.ts';
import type { Declared, MaterialContent } from '../../src/catalog/readers/content.ts';
import { readCatalog } from '../../src/catalog/readers/index.ts';
import { type MaterialRow, NUMBER_COLUMNS, type NumberColumn } from '../../src/catalog/rows.ts';
import { projectRoot } from '../support/cli.ts';
import { aiscFile, csv } from './support.ts';

const docs = readFileSync(path.join(projectRoot, 'docs/catalog-checks.md'), 'utf8');
const TYPED: readonly NumberColumn[] = NUMBER_COLUMNS.filter((column) => column !== 'fy' && column !== 'fu');
const SHIPPED = shippedCatalogs()[0]!;
const shipped = check(readFileSync(SHIPPED, 'utf8')).rows;
const american = shipped.filter((row) => row.unitSystem === 'US');
const valuesOfAmerican = american.map(valuesOf);

function check(text: string, declared: Declared = {}) {
  const readings = [
    ...checkRecords(readCatalog(Buffer.from(text), 'file.csv', declared) as MaterialContent, 'file.csv'),
  ];
  return {
    rows: readings.flatMap((reading) => reading.rows) as MaterialRow[],
    problems: readings.flatMap((reading) => reading.problems),
    warnings: readings.flatMap((reading) => reading.warnings ?? []),
  };
}

/** Two rows of the shipped table with other cells, as a file in structdb's own layout. */
function changed(us: Readonly<Record<string, string>>, si: Readonly<Record<string, string>> = {}): string {
  const [header, ...lines] = readFileSync(SHIPPED, 'utf8').split('\n');
  const names = header!.split(',');
  const rows = [
    ['AISC,v16.0,US,W14X90,', us],
    ['AISC,v16.0,SI,W360X134,', si],
  ].map(([name, changes]) => {
    const cells = lines.find((line) => line.startsWith(name as string))!.split(',');
    return cells.map((cell, at) => (changes as Record<string, string>)[names[at]!] ?? cell);
  });
  return csv([names, ...rows]);
}

const told = (finding: { column: string; value: string; reason: string; rule?: string }) =>
  `${finding.rule}: ${finding.column} ${finding.value}: ${finding.reason}`;

describe('the checks', () => {
  it('find nothing in the shapes and grades that ship', () => {
    for (const file of shippedCatalogs().slice(0, 2)) {
      const { problems, warnings } = check(readFileSync(file, 'utf8'));
      expect([...problems, ...warnings].map(told)).toEqual([]);
    }
  });

  it.each([
    [
      'tf and tw swapped',
      { flange_thickness: '0.44', web_thickness: '0.71' },
      /flange_thickness 0.44: 0.6197 times tw, which is 0.71 in; .*; are tf and tw swapped\?/,
    ],
    ['Zx and Sx swapped', { zx: '143', sx: '157' }, /zx 143: 0.9108 times Sx.*are Zx and Sx swapped\?/],
    ['Ix off by ten', { ix: '9990' }, /ix 9990|rx 6.14: √\(Ix\/A\) gives 19.42 in, this is 68 % less/],
    [
      'a wrong area',
      { area: '2.65' },
      /weight 90: A × the density of steel gives 9.017 lb\/ft, this is 10¹ times that/,
    ],
    ['a negative area', { area: '-26.5' }, /area -26.5: negative/],
    ['an area of zero', { area: '0' }, /zero: area 0: must be greater than zero/],
    [
      'a radius of another shape',
      { rx: '4.16' },
      /radius-of-gyration: rx 4.16: √\(Ix\/A\) gives 6.14 in, this is 32 % less/,
    ],
  ])('reject %s', (_, cells, message) => {
    const { rows, problems } = check(changed(cells));
    expect(problems.map(told).join('\n')).toMatch(message);
    expect(rows.map((row) => row.designation)).not.toContain('W14X90');
  });

  it('import what only looks odd, and tell it with the numbers', () => {
    const { rows, problems, warnings } = check(changed({ zx: '163' }, { zx: '2671000' }));
    expect([rows.length, problems]).toEqual([2, []]);
    expect(warnings.map(told)).toEqual([
      'plastic-modulus: zx 163: Zx of the rectangles gives 154.2 in³, this is 5.7 % more',
      'first-moment: statical_moment_web 77.1: Zx/2 gives 81.5 in³, this is 5.4 % less',
    ]);
  });

  it('leave out what follows from an error', () => {
    const { problems, warnings } = check(changed({ ix: '99.9' }));
    expect(problems.filter(({ line }) => line === 2).map(({ column }) => column)).toEqual(['rx', 'sx', 'ix']);
    expect(warnings).toEqual([]);
  });
});

describe('a table in the other unit system', () => {
  const metric = {
    weight: '134',
    area: '17100',
    depth: '356',
    ix: '416000000',
    sx: '2340000',
    zx: '2570000',
    rx: '156',
  };

  it('is told as that, and as nothing else', () => {
    const { problems } = check(changed(metric));
    expect(problems.filter(({ line }) => line === 2).map(told)).toEqual([
      'units: area 17100: with a weight of 134 these are mm² and kg/m, but the row is declared US; are its lengths millimetres?',
    ]);
    const reverse = check(changed({}, { weight: '90', area: '26.5' })).problems;
    expect(reverse.map(({ rule }) => rule)).toEqual(['units']);
  });

  it('is told of a half of AISC that is declared US', () => {
    const shape = {
      W: '134',
      A: '17100',
      d: '356',
      Ix: '416',
      Zx: '2570',
      Sx: '2340',
      rx: '156',
      tw: '11.2',
      tf: '18',
    };
    const { problems } = check(aiscFile({ halves: 1, shapes: [shape] }), { edition: 'v16.0', unitSystem: 'US' });
    expect(problems.map(({ rule, column }) => [rule, column])).toEqual([['units', 'A']]);
  });

  it('is told by its depth where the weight says nothing', () => {
    expect(check(changed({ depth: '356', weight: '', area: '' })).problems.map(({ rule }) => rule)).toContain('units');
  });
});

describe('the two rows of a shape', () => {
  it('agree to 1 % in every column, and in weight to 5 %', () => {
    const of = (si: Record<string, string>) => {
      const { problems, warnings } = check(changed({}, si));
      return [problems.map(({ column }) => column), warnings.map(({ column }) => column)];
    };
    expect(of({ warping_constant: '4380000000000' })).toEqual([[], ['warping_constant']]);
    expect(of({ warping_constant: '5000000000000' })[0]).toContain('warping_constant');
    expect(of({ k_design: '33.9' })).toEqual([[], ['k_design']]);
    expect(of({ k1_detailing: '42000' })[0]).toEqual(['k1_detailing']);
    expect(of({ weight: '139' })).toEqual([[], []]);
    expect(of({ weight: '142' })[1]).toContain('weight');
  });

  it('may differ by half of the third digit of each', () => {
    expect([14, 0.416, 1230, 1234, 12345, 416_000_000, 0].map(halfUnit)).toEqual([
      0.05, 0.0005, 5, 0.5, 0.5, 500_000, 0,
    ]);
  });

  it('are set against each other only where the US row came first and names it', () => {
    const [header, us, si] = changed({}, { k_design: '42' }).trim().split('\n');
    expect(check([header, us, si, ''].join('\n')).problems).toHaveLength(1);
    expect(check([header, si, us, ''].join('\n')).problems).toEqual([]);
  });
});

describe('a number that is half as large again, or two thirds', () => {
  const caught = (row: number, column: string, factor: number) => {
    const values = valuesOfAmerican[row]!.slice();
    values[placeOf(column)]! *= factor;
    return judgeShape(american[row]!, values).length > 0;
  };

  /** How often a column is caught, by the factor. */
  const shares = CHECKED_COLUMNS.flatMap((column) => {
    const rows = american.flatMap((_, row) => (valuesOfAmerican[row]![placeOf(column)]! > 0 ? [row] : []));
    if (rows.length === 0) return [];
    const share = (factor: number) => rows.filter((row) => caught(row, column, factor)).length / rows.length;
    return [{ column, rows: rows.length, larger: share(1.5), smaller: share(1 / 1.5) }];
  });

  it('is found in every column that has its own place, in every shape', () => {
    expect(shares.filter(({ column }) => TYPED.includes(column as NumberColumn))).toEqual(
      TYPED.map((column) => ({ column, rows: american.length, larger: 1, smaller: 1 })),
    );
  });

  it('is found the more the farther it is away', () => {
    const factors = fc.double({ min: 1.5, max: 1000, noNaN: true });
    fc.assert(
      fc.property(
        fc.nat(american.length - 1),
        fc.constantFrom(...TYPED),
        factors,
        fc.boolean(),
        (row, column, factor, up) => caught(row, column, up ? factor : 1 / factor),
      ),
      { numRuns: 2000 },
    );
  });

  it('is found as often in the other columns as docs/catalog-checks.md says', () => {
    const lines = shares.map(
      ({ column, rows, larger, smaller }) => `| \`${column}\` | ${rows} | ${percent(larger)} | ${percent(smaller)} |`,
    );
    expect(docs).toContain(lines.join('\n'));
  });

  const percent = (share: number) => `${Math.floor(share * 1000) / 10} %`;
});

describe('docs/catalog-checks.md', () => {
  it('names every rule, with its columns and ranges', () => {
    const groups = Map.groupBy(RULES, ({ name, column, formula }) => `| \`${name}\` | \`${column}\` | ${formula} |`);
    const lines = [...groups].map(([line, rules]) => `${line} ${rules.map(rangesOf).join('; ')} |`);
    expect(docs).toContain(lines.join('\n'));
  });

  it('explains every allowance', () => {
    const lines = ALLOWANCES.map(
      ({ shapes, editions, rules, quotients, reason }) =>
        `| ${shapes.join(', ')} | ${editions.join(', ')} | ${rules.map((rule) => `\`${rule}\``).join(', ')} | ${quotients.join(' to ')} | ${reason} |`,
    );
    expect(docs).toContain(lines.join('\n'));
  });
});

/** `W 1.05 to 2 (1 to 3)`: what is told outside, and in brackets what is rejected outside. */
function rangesOf({ families, warn, reject, slack }: Rule): string {
  const number = (value: number) => String(Number(value.toPrecision(4)));
  const range = ([low, high]: Range) =>
    high === Number.POSITIVE_INFINITY ? `from ${number(low)}` : `${number(low)} to ${number(high)}`;
  return [
    ...(families ? [families.join(' ')] : ['all']),
    range(warn),
    ...(slack === undefined ? [] : [`or ${slack} in.`]),
    ...(reject ? [`(${range(reject)})`] : []),
  ].join(' ');
}
