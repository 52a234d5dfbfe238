import { parseDecimal, parseFraction } from '../reading/decimal.ts';

/** An exact number: `numerator / denominator`, the denominator positive. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** A unit that a filter may name, or that the catalog's numbers have. */
export interface Unit {
  /** As it is printed: `in^3`. */
  readonly name: string;
  /** What can be converted into each other has the same. */
  readonly dimension: string;
  /** How many of the dimension's base unit one is. */
  readonly factor: Rational;
}

/** `24`, `.5`, `1.2e3`, `7/16`, `1 13/16`, `1-5/8` as a plain decimal, or as a reduced fraction where no decimal equals it. */
export function parseNumber(text: string): string | undefined {
  const decimal = parseDecimal(text) ?? parseFraction(text.replace(/^[+-]/, ''));
  if (decimal !== undefined) return /^-\d+[ \d-]*\//.test(text) && decimal !== '0' ? `-${decimal}` : decimal;
  const match = /^([+-]?)(?:(\d+)[ -]+)?(\d+)\/(\d+)$/.exec(text);
  if (!match || /^0+$/.test(match[4]!)) return undefined;
  const denominator = BigInt(match[4]!);
  const numerator = BigInt(match[2] ?? 0) * denominator + BigInt(match[3]!);
  const shared = greatestDivisor(numerator, denominator);
  return `${match[1] === '-' ? '-' : ''}${numerator / shared}/${denominator / shared}`;
}

/** The number that `parseNumber` gave. */
export function rational(text: string): Rational {
  const [numerator = '', denominator = '1'] = text.split('/');
  const [whole = '', fraction = ''] = numerator.split('.');
  return { numerator: BigInt(whole + fraction), denominator: BigInt(denominator) * 10n ** BigInt(fraction.length) };
}

export function convert(number: Rational, from: Unit, to: Unit): Rational {
  return {
    numerator: number.numerator * from.factor.numerator * to.factor.denominator,
    denominator: number.denominator * from.factor.denominator * to.factor.numerator,
  };
}

/** More digits than any stored number has behind its point. */
const DIGITS = 40;

/**
 * The decimals next to a number, below and above; both the number itself where a decimal equals it. No stored number lies
 * between the two and the number, so that `x < number` and `x <= below` say the same of every stored x.
 */
export function decimalBounds({ numerator, denominator }: Rational): {
  readonly below: string;
  readonly above: string;
} {
  const shared = greatestDivisor(numerator < 0n ? -numerator : numerator, denominator);
  const reduced = denominator / shared;
  // A decimal equals a fraction whose denominator has no other primes than 2 and 5.
  let rest = reduced;
  let digits = 0;
  for (const prime of [2n, 5n]) {
    let times = 0;
    for (; rest % prime === 0n; times += 1) rest /= prime;
    digits = Math.max(digits, times);
  }
  const scale = rest === 1n ? digits : Math.max(DIGITS, digits);
  const scaled = (numerator / shared) * 10n ** BigInt(scale);
  const quotient = scaled / reduced;
  const floor = scaled % reduced < 0n ? quotient - 1n : quotient;
  const text = (value: bigint) => shift(value, scale);
  return { below: text(floor), above: text(rest === 1n ? floor : floor + 1n) };
}

/** `value` with the point `scale` places from the right. */
function shift(value: bigint, scale: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  const point = digits.length - scale;
  return parseDecimal(`${value < 0n ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`)!;
}

function greatestDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a || 1n : greatestDivisor(b, a % b);
}

/** Metres; the inch is 25.4 mm exactly. */
const LENGTHS: Readonly<Record<string, readonly [name: string, metres: string]>> = {
  in: ['in', '0.0254'],
  inch: ['in', '0.0254'],
  inches: ['in', '0.0254'],
  '"': ['in', '0.0254'],
  ft: ['ft', '0.3048'],
  "'": ['ft', '0.3048'],
  mm: ['mm', '0.001'],
  cm: ['cm', '0.01'],
  m: ['m', '1'],
};

/** The pound is 0.45359237 kg, and standard gravity 9.80665 m/s², both exactly. */
const PSI = quotient(
  product(rational('0.45359237'), rational('9.80665')),
  product(rational('0.0254'), rational('0.0254')),
);
const LB_PER_FOOT = quotient(rational('0.45359237'), rational('0.3048'));

const OTHERS: readonly (readonly [names: readonly string[], dimension: string, factor: Rational])[] = [
  [['lb/ft', 'plf'], 'mass per length', LB_PER_FOOT],
  [['kg/m'], 'mass per length', rational('1')],
  [['psi'], 'stress', PSI],
  [['ksi'], 'stress', product(PSI, rational('1000'))],
  [['Pa', 'N/m2'], 'stress', rational('1')],
  [['kPa', 'kN/m2'], 'stress', rational('1000')],
  [['MPa', 'N/mm2'], 'stress', rational('1000000')],
  [['GPa', 'kN/mm2'], 'stress', rational('1000000000')],
];

/** What `parseUnit` knows, for messages. */
export const UNIT_NAMES = 'in, ft, mm, cm, m and their powers (in^3, mm4), lb/ft, plf, kg/m, ksi, psi, MPa, kPa, GPa';

/** The unit that is written so, upper or lower case: `in`, `in^3`, `in3`, `in³`, `lb/ft`, `MPa`; undefined when there is none. */
export function parseUnit(text: string): Unit | undefined {
  const plain = text.replace(/[⁰¹²³⁴-⁹]/g, (digit) => String(SUPERSCRIPTS.indexOf(digit))).replaceAll('^', '');
  const folded = plain.toLowerCase();
  for (const [names, dimension, factor] of OTHERS) {
    if (names.some((name) => name.toLowerCase() === folded)) return { name: names[0]!, dimension, factor };
  }
  const match = /^(\D+)([1-9]?)$/.exec(folded);
  const length = match && Object.hasOwn(LENGTHS, match[1]!) ? LENGTHS[match[1]!] : undefined;
  if (!length) return undefined;
  const power = Number(match![2] || 1);
  let factor = rational('1');
  for (let times = 0; times < power; times += 1) factor = product(factor, rational(length[1]));
  return {
    name: power === 1 ? length[0] : `${length[0]}^${power}`,
    dimension: power === 1 ? 'length' : `length to the power of ${power}`,
    factor,
  };
}

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

function product(a: Rational, b: Rational): Rational {
  return { numerator: a.numerator * b.numerator, denominator: a.denominator * b.denominator };
}

function quotient(a: Rational, b: Rational): Rational {
  return { numerator: a.numerator * b.denominator, denominator: a.denominator * b.numerator };
}
