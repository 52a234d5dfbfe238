import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { findField } from '../../src/catalog/lookup/fields.ts';
import { type Filter, printFilter } from '../../src/catalog/lookup/filter.ts';
import { parseFilter } from '../../src/catalog/lookup/parse-filter.ts';
import { convert, decimalBounds, parseNumber, parseUnit, rational } from '../../src/catalog/lookup/quantity.ts';
import { aiscSymbols } from '../../src/catalog/readers/aisc-columns.ts';
import { unitOf } from '../../src/catalog/units.ts';
import { StructdbError } from '../../src/core/errors.ts';
import { projectRoot } from '../support/cli.ts';
import { filters } from './filters.ts';

function problemOf(text: string): { readonly message: string; readonly caret: number; readonly hint: string } {
  try {
    parseFilter(text);
  } catch (error) {
    if (!(error instanceof StructdbError)) throw error;
    expect([error.code, error.exitCode, error.details[0]]).toEqual(['FILTER_INVALID', 2, text]);
    return { message: error.message, caret: error.details[1]!.indexOf('^'), hint: error.hint ?? '' };
  }
  throw new Error(`"${text}" was read`);
}

const nameOf = (typed: string) => {
  const found = findField(typed);
  return 'field' in found ? found.field.name : found.problem;
};

describe('the filter language', () => {
  it.each([
    ['W, Zx >= 200, d <= 24', 'W, zx >= 200, depth <= 24'],
    ['w|2l', 'W|2L'],
    ['w14x90', 'W14X90'],
    ['HSS8×8*|pipe*', 'HSS8X8*|PIPE*'],
    ['Zx>=200in³', 'zx >= 200 in^3'],
    ['d = 12..14', 'depth = 12..14'],
    ['d != 12 .. 14 in', 'depth != 12 in..14 in'],
    ['tw ≤ 7/16 in', 'web_thickness <= 0.4375 in'],
    ['tw < 1 13/16"', 'web_thickness < 1.8125 in'],
    ['tw < 1-5/8"', 'web_thickness < 1.625 in'],
    ['tw <> 1/3', 'web_thickness != 1/3'],
    ['Ix >= 1.2e3', 'ix >= 1200'],
    ['bf/2tf <= 7, tan(?) > 0.5, h/tw<40', 'flange_slenderness <= 7, tan_alpha > 0.5, web_slenderness < 40'],
    ['Fy >= 345 mpa', 'fy >= 345 MPa'],
    ['weight <= 50 plf', 'weight <= 50 lb/ft'],
    ['kind = Bolt|material, form != "hot ""x"""', 'kind = BOLT|MATERIAL, product_form != "HOT ""X"""'],
    ['', ''],
    ['  W  ', 'W'],
  ])('%s is %s', (text, printed) => {
    expect(printFilter(parseFilter(text))).toBe(printed);
  });

  it.each([
    ['W, Zz >= 3', 'unknown field "Zz"; did you mean Zx, Zy', 3],
    ['W, flange_widht > 3', 'unknown field "flange_widht"; did you mean bf?', 3],
    ['W,, d < 3', 'a term is missing', 2],
    ['W,', 'a term is missing', 2],
    ['>= 3', 'a field is missing', 0],
    ['W Zx >= 3', 'expected a comma before "Zx >= 3"', 2],
    ['d <= ', 'a number is missing', 5],
    ['d <= deep', '"deep" is not a number', 5],
    ['d <= 24 lb/ft', 'depth is in in or mm; lb/ft is of another dimension', 8],
    ['Ix >= 3 mm3', 'ix is in in⁴ or mm⁴; mm^3 is of another dimension', 8],
    ['h/tw <= 40 in', 'web_slenderness has no unit', 11],
    ['d <= 24 furlongs', 'unknown unit "furlongs"', 8],
    ['d <= 12..14', 'a range needs = or !=', 5],
    ['d = 14..12', 'the range begins above its end', 4],
    ['d = 1 ft..300 mm', 'the range begins above its end', 4],
    ['kind >= bolt', 'kind holds words', 8],
    ['kind = "bolt', 'a quote is opened and never closed', 7],
    ['Ix >= 38,700', 'the number 700 belongs to no field', 9],
    ['W|', 'a type or name is missing behind "|"', 2],
    ['d = 1/0', '"1/0" is not a number', 4],
  ])('refuses "%s", and points at the place', (text, message, caret) => {
    const problem = problemOf(text);
    expect(problem.message).toContain(message);
    expect(problem.caret).toBe(caret);
    expect(problem.hint).not.toBe('');
  });

  it("knows fields by AISC's symbols, whose case counts where it must, and by structdb's names", () => {
    expect([nameOf('h'), nameOf('H'), nameOf('b'), nameOf('B'), nameOf('t'), nameOf('T')]).toEqual([
      'flat_height',
      'flexural_constant',
      'leg_or_flat_width',
      'overall_width',
      'leg_thickness',
      'web_flat',
    ]);
    expect([nameOf('zx'), nameOf('ZX'), nameOf('BF'), nameOf('Flange_Width')]).toEqual([
      'zx',
      'zx',
      'flange_width',
      'flange_width',
    ]);
    expect([nameOf('W'), nameOf('A'), nameOf('d'), nameOf('grade'), nameOf('type')]).toEqual([
      'weight',
      'area',
      'depth',
      'designation',
      'shape_type',
    ]);
  });

  it('has every symbol, its name and its units in docs/catalog-search.md', () => {
    const page = readFileSync(path.join(projectRoot, 'docs/catalog-search.md'), 'utf8');
    for (const [symbol, name] of aiscSymbols()) {
      const units = (['US', 'SI'] as const).map((system) => unitOf(name, system) || '–').join(' | ');
      const row = page.split('\n').find((line) => line.endsWith(`| \`${name}\` | ${units} |`));
      expect(`${symbol}: ${row}`).toContain(`\`${symbol}\``);
    }
  });

  it('reads every filter that it prints', () => {
    fc.assert(
      fc.property(filters, (filter: Filter) => {
        expect(parseFilter(printFilter(filter))).toEqual(filter);
      }),
      { numRuns: 300 },
    );
  });

  it('never throws anything but FILTER_INVALID', () => {
    const piece = fc.constantFrom(
      ...'W,Zx,>=,=,200,..,|,",in,^,1/0,tan(,mm2,*,×,2L,d,kind, ,-,e9,\u0000,\ud800,__proto__,constructor'.split(','),
      ',',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.array(piece, { maxLength: 12 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (input) => {
        try {
          parseFilter(input);
        } catch (error) {
          expect((error as StructdbError).code).toBe('FILTER_INVALID');
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('quantities', () => {
  const converted = (number: string, from: string, to: string) =>
    decimalBounds(convert(rational(parseNumber(number)!), parseUnit(from)!, parseUnit(to)!));

  it.each([
    ['24', 'in', 'mm', '609.6'],
    ['1', 'in^4', 'mm4', '416231.4256'],
    ['1', 'ft', 'in', '12'],
    ['1', 'm³', 'cm3', '1000000'],
    ['1', 'ksi', 'psi', '1000'],
    ['345', 'MPa', 'N/mm2', '345'],
  ])('%s %s is exactly %s in %s', (number, from, to, value) => {
    expect(converted(number, from, to)).toEqual({ below: value, above: value });
  });

  it('is bounded by its neighbours where no decimal equals it', () => {
    const { below, above } = converted('610', 'mm', 'in');
    expect([below.slice(0, 12), above.slice(0, 12), below < above]).toEqual(['24.015748031', '24.015748031', true]);
    // The standards' own equivalents: 50 ksi is 344.738 MPa, 1 lb/ft is 1.48816 kg/m.
    expect(converted('50', 'ksi', 'MPa').below).toMatch(/^344\.73786/);
    expect(converted('1', 'plf', 'kg/m').below).toMatch(/^1\.48816394/);
    expect(decimalBounds({ numerator: -1n, denominator: 3n })).toEqual({
      below: `-0.${'3'.repeat(39)}4`,
      above: `-0.${'3'.repeat(40)}`,
    });
  });
});
