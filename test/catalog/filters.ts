import fc from 'fast-check';
import { findField } from '../../src/catalog/lookup/fields.ts';
import type { Filter, NumberTerm, Quantity, Term, TextTerm, WordsTerm } from '../../src/catalog/lookup/filter.ts';
import { inSystem } from '../../src/catalog/lookup/filter-sql.ts';
import { parseUnit, type Rational, rational } from '../../src/catalog/lookup/quantity.ts';
import type { MaterialRow, NumberColumn, TextColumn, UnitSystem } from '../../src/catalog/rows.ts';
import { unitOf } from '../../src/catalog/units.ts';

const field = (name: string) => {
  const found = findField(name);
  if ('problem' in found) throw new Error(found.problem);
  return found.field;
};

const UNITS = ['in', 'ft', 'mm', 'in^2', 'mm^2', 'in^3', 'cm^3', 'mm^3', 'in^4', 'mm^4', 'ksi', 'MPa', 'lb/ft', 'kg/m'];
const number = fc.oneof(
  fc.nat(400).map(String),
  fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 99 })).map(([whole, part]) => `${whole}.${part}`.replace(/0$/, '')),
  fc.constantFrom('1/3', '200/7', '0.4375', '24', '200', '90', '999', '345', '0'),
);
const quantity = (name: string): fc.Arbitrary<Quantity> => {
  const dimension = parseUnit(unitOf(name, 'US'))?.dimension;
  const fitting = UNITS.filter((unit) => parseUnit(unit)!.dimension === dimension);
  const unit = fc.option(fc.constantFrom(...(fitting.length > 0 ? fitting : ['in'])), { nil: undefined });
  return fc
    .record({ number, unit })
    .map((made) =>
      made.unit === undefined || fitting.length === 0
        ? { number: made.number }
        : { number: made.number, unit: made.unit },
    );
};

const NUMBERS = [
  'weight',
  'area',
  'depth',
  'ix',
  'zx',
  'ry',
  'fy',
  'flange_width',
  'wall_thickness_design',
  'z_b',
  'web_slenderness',
  'tan_alpha',
];
const numberTerm: fc.Arbitrary<Term> = fc.constantFrom(...NUMBERS).chain((name) =>
  fc.oneof(
    fc.record({
      kind: fc.constant('number' as const),
      field: fc.constant(field(name)),
      operator: fc.constantFrom('=' as const, '!=' as const, '<' as const, '<=' as const, '>' as const, '>=' as const),
      value: quantity(name),
    }),
    fc.tuple(quantity(name), quantity(name), fc.constantFrom('=' as const, '!=' as const)).map(([a, b, operator]) => {
      const unit = a.unit ?? b.unit;
      const ends = [a, b]
        .map((end) => (unit === undefined ? end : { number: end.number, unit: end.unit ?? unit }))
        .sort((x, y) => compare(size(x), size(y)));
      return { kind: 'number' as const, field: field(name), operator, value: ends[0]!, to: ends[1]! };
    }),
  ),
);
const words: fc.Arbitrary<Term> = fc
  .array(
    fc.oneof(
      fc.constantFrom('W', 'HSS', '2L', 'PIPE', 'L').map((text) => ({ kind: 'type' as const, text })),
      fc
        .constantFrom('W14*', '*X90', 'HSS8X8X1/2', 'W360X134', 'PIPE4*', '100%_*')
        .map((text) => ({ kind: 'name' as const, text })),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((list) => ({ kind: 'words' as const, words: list }));
const text: fc.Arbitrary<Term> = fc.record({
  kind: fc.constant('text' as const),
  field: fc
    .constantFrom('kind', 'shape_type', 'product_form', 'standard', 'manual_label', 'source', 'counterpart')
    .map(field),
  operator: fc.constantFrom('=' as const, '!=' as const),
  values: fc.array(
    fc.oneof(
      fc.constantFrom('SHAPE', 'MATERIAL', 'W', 'AISC', 'ASTM*', 'ASTM A36', '*HSS*', 'W360X134'),
      fc.string({ maxLength: 5 }).map((made) => made.replaceAll('\0', '').toUpperCase()),
    ),
    { minLength: 1, maxLength: 2 },
  ),
});

/** Any filter that the language can say, with names and numbers that occur. */
export const filters: fc.Arbitrary<Filter> = fc
  .array(fc.oneof({ arbitrary: numberTerm, weight: 3 }, words, text), { maxLength: 3 })
  .map((terms) => ({ terms }));

function size({ number: value, unit }: Quantity): Rational {
  const { numerator, denominator } = rational(value);
  const factor = unit === undefined ? rational('1') : parseUnit(unit)!.factor;
  return { numerator: numerator * factor.numerator, denominator: denominator * factor.denominator };
}

function compare(a: Rational, b: Rational): number {
  const difference = a.numerator * b.denominator - b.numerator * a.denominator;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** What a filter means, said once more without SQL. */
export function fits({ terms }: Filter, row: MaterialRow, system: UnitSystem): boolean {
  return row.unitSystem === system && terms.every((term) => holds(term, row, system));
}

function holds(term: Term, row: MaterialRow, system: UnitSystem): boolean {
  if (term.kind === 'words') return holdsWords(term, row);
  if (term.kind === 'text') return holdsText(term, row);
  return holdsNumber(term, row, system);
}

function holdsWords({ words: list }: WordsTerm, row: MaterialRow): boolean {
  const names = [row.designation, row.texts.manual_label, property(row, 'counterpart')];
  return list.some(({ kind, text: word }) =>
    kind === 'type' ? row.texts.shape_type === word : names.some((name) => name != null && isLike(name, word)),
  );
}

function holdsText({ field: { name }, operator, values }: TextTerm, row: MaterialRow): boolean {
  const value = name === 'standard' ? row.standard : (row.texts[name as TextColumn] ?? property(row, name));
  return value != null && values.some((pattern) => isLike(value, pattern)) === (operator === '=');
}

function holdsNumber({ field: own, operator, value, to }: NumberTerm, row: MaterialRow, system: UnitSystem): boolean {
  const stored = row.numbers[own.name as NumberColumn] ?? property(row, own.name);
  if (stored == null || !/^\d+(\.\d+)?$/.test(stored)) return false;
  const order = compare(rational(stored), inSystem(value, own, system));
  if (to) {
    const within = order >= 0 && compare(rational(stored), inSystem(to, own, system)) <= 0;
    return within === (operator === '=');
  }
  switch (operator) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    default:
      return order >= 0;
  }
}

function property(row: MaterialRow, name: string): string | undefined {
  const value = row.properties.get(name);
  return typeof value === 'object' ? value.text : value;
}

function isLike(value: string, pattern: string): boolean {
  const expression = pattern.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^]*');
  return new RegExp(`^${expression}$`, 'u').test(value.toUpperCase());
}
