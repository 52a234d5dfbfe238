import { siPerUs } from '../units.ts';
import type { Range } from './rule.ts';
import { CHECKED_COLUMNS, placeOf, type Values } from './values.ts';

/**
 * The two rows of one shape say the same in inches and in millimetres. Metric weights are nominal and rounded on their
 * own (W6X8.5 is 13 kg/m, which is 8.74 lb/ft), hence a wider range.
 */
export const PAIR = Object.freeze({
  name: 'us-and-si',
  geometry: { warn: [0.99, 1.01], reject: [0.97, 1.03] },
  weight: { warn: [0.95, 1.05], reject: [0.9, 1.1] },
  source:
    'SI values are published on their own, rounded to three digits. Half a unit of the third digit, or of the last one if there are more, is allowed on top for both values.',
} as const satisfies Readonly<Record<string, string | { readonly warn: Range; readonly reject: Range }>>);

/** An SI value and what the US value of the same shape is in its unit. */
export interface Disagreement {
  readonly place: number;
  readonly expected: number;
  readonly reject: boolean;
}

const FACTORS: readonly number[] = CHECKED_COLUMNS.map(siPerUs);
const WEIGHT = placeOf('weight');

/**
 * Where the rows of a shape disagree, of all columns that have a value in both; undefined when every value of the SI row is
 * also one of the US row and agrees with it: what the US row was judged for then holds for both.
 */
export function disagreements(us: Values, si: Values): Disagreement[] | undefined {
  const found: Disagreement[] = [];
  let alone = false;
  for (let place = 0; place < FACTORS.length; place += 1) {
    const value = si[place]!;
    if (Number.isNaN(value)) continue;
    const expected = us[place]! * FACTORS[place]!;
    const difference = Math.abs(value - expected);
    if (difference <= expected * CLOSE) continue;
    if (Number.isNaN(difference)) alone = true;
    else if (isApart(place, us[place]!, value, expected, difference)) {
      const { reject } = rangesOf(place);
      found.push({ place, expected, reject: value < expected * reject[0] || value > expected * reject[1] });
    }
  }
  return found.length > 0 || alone ? found : undefined;
}

/** Closer than any range: most values are. */
const CLOSE = 0.0099;

function isApart(place: number, us: number, si: number, expected: number, difference: number): boolean {
  const rounding = halfUnit(us) * FACTORS[place]! + halfUnit(si);
  return difference - rounding > expected * (rangesOf(place).warn[1] - 1);
}

function rangesOf(place: number): { readonly warn: Range; readonly reject: Range } {
  return place === WEIGHT ? PAIR.weight : PAIR.geometry;
}

/**
 * Half a unit of the last digit that a table prints. AISC prints three digits and more for large numbers; zeros behind
 * them are not told apart from digits that were printed, so that 14 counts as 14.0, and 416000000 as 416 times a million.
 */
export function halfUnit(value: number): number {
  if (value === 0) return 0;
  const [digits = '', exponent = '0'] = value.toExponential(14).split('e');
  const given = digits.replace('.', '').replace(/0+$/, '').length;
  return 0.5 * 10 ** (Number(exponent) + 1 - Math.max(3, given));
}
