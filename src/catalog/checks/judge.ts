import type { MaterialRow } from '../rows.ts';
import { unitOf } from '../units.ts';
import { isAllowed } from './allowances.ts';
import { type Disagreement, disagreements, PAIR } from './pair.ts';
import type { Rule } from './rule.ts';
import { RULES } from './rules/index.ts';
import { CHECKED_COLUMNS, INCH, placeOf, type Values } from './values.ts';

/** Something about a row that its numbers contradict. */
export interface Finding {
  /** The rule, as docs/catalog-checks.md names it. */
  readonly rule: string;
  /** A column of the database. */
  readonly column: string;
  readonly value: string;
  readonly reason: string;
  /** Whether the row is wrong for certain; otherwise it is imported, and the finding told. */
  readonly severity: 'error' | 'warning';
}

/**
 * Judges the numbers of a shape by the rules, and an SI row against the US row of the same shape: where they agree, what
 * was told of the US row is not told again. A row that is wrong gives its errors alone: what else looks odd about it mostly
 * follows from them.
 */
export function judgeShape(row: MaterialRow, values: Values, us?: Values): Finding[] {
  const mistaken = mistakenUnits(row, values);
  if (mistaken) return [mistaken];
  const apart = us ? disagreements(us, values) : [];
  if (apart === undefined) return [];
  const findings: Finding[] = apart.flatMap((found) => pairFinding(row, values, found));
  for (const { rule, place } of rulesOf(row.texts.shape_type)) {
    const value = values[place]!;
    const expected = rule.expected(values);
    const quotient = value / expected;
    // Comparisons with NaN are false: a rule over a value that is missing finds nothing.
    if (!(quotient < rule.warn[0] || quotient > rule.warn[1])) continue;
    if (rule.slack !== undefined && Math.abs(value - expected) <= rule.slack * values[INCH]!) continue;
    if (isAllowed(row, rule.name, rule.column, quotient)) continue;
    findings.push(findingOf(row, rule, expected, quotient));
  }
  const errors = findings.filter(({ severity }) => severity === 'error');
  return errors.length > 0 ? errors : findings;
}

interface PlacedRule {
  readonly rule: Rule;
  readonly place: number;
}

const BY_FAMILY = new Map<string, readonly PlacedRule[]>();

/** The rules for a shape type; one that AISC does not have gets those for all shapes. */
function rulesOf(family: string | null | undefined): readonly PlacedRule[] {
  const key = family ?? '';
  let rules = BY_FAMILY.get(key);
  if (rules === undefined) {
    rules = RULES.filter(({ families }) => families?.includes(key) ?? true).map((rule) => ({
      rule,
      place: placeOf(rule.column),
    }));
    BY_FAMILY.set(key, rules);
  }
  return rules;
}

const WEIGHT = placeOf('weight');
const AREA = placeOf('area');
const DEPTH = placeOf('depth');
/** kg/m over mm² is 433 times smaller than lb/ft over in²; wrong weights and areas are not that far away. */
const METRIC_DENSITY = 7850e-6;
const CUSTOMARY_DENSITY = 490 / 144;
/** The deepest shape of AISC is 48 in. */
const DEEPEST = 60;

/** A row whose numbers are in the other unit system than it says. */
function mistakenUnits(row: MaterialRow, values: Values): Finding | undefined {
  const density = values[WEIGHT]! / values[AREA]!;
  const metric = density > METRIC_DENSITY / 1.5 && density < METRIC_DENSITY * 1.5;
  const customary = density > CUSTOMARY_DENSITY / 1.5 && density < CUSTOMARY_DENSITY * 1.5;
  const { numbers, unitSystem } = row;
  if (unitSystem === 'US' ? metric : customary) {
    const [units, lengths] = unitSystem === 'US' ? ['mm² and kg/m', 'millimetres'] : ['in² and lb/ft', 'inches'];
    const reason = `with a weight of ${numbers.weight} these are ${units}, but the row is declared ${unitSystem}; are its lengths ${lengths}?`;
    return { rule: 'units', column: 'area', value: numbers.area ?? '', reason, severity: 'error' };
  }
  if (unitSystem === 'US' && row.standard === 'AISC' && values[DEPTH]! > DEEPEST && !(density > 1)) {
    const reason = `no shape is that many inches deep; these look like millimetres`;
    return { rule: 'units', column: 'depth', value: numbers.depth ?? '', reason, severity: 'error' };
  }
  return undefined;
}

function findingOf(row: MaterialRow, rule: Rule, expected: number, quotient: number): Finding {
  const { column, reject } = rule;
  const error = reject !== undefined && (quotient < reject[0] || quotient > reject[1]);
  return {
    rule: rule.name,
    column,
    value: textOf(row, column),
    reason: describe(row, rule, expected, quotient) + (error && rule.suspect ? `; ${rule.suspect}` : ''),
    severity: error ? 'error' : 'warning',
  };
}

/** `√(Ix/A) gives 6.14 in, this is 17 % more`, or `0.62 times tw, which is 0.71 in; W shapes have 1.05 to 2`. */
function describe(
  row: MaterialRow,
  { column, formula, families, warn }: Rule,
  expected: number,
  quotient: number,
): string {
  const other = `${shown(expected)} ${unitOf(column, row.unitSystem)}`.trim();
  const power = misplacedPoint(quotient);
  if (warn[0] <= 1 && warn[1] >= 1 && warn[1] < 1.5) {
    return `${formula} gives ${other}, ${power ?? (quotient > 1 ? `this is ${percent(quotient - 1)} more` : `this is ${percent(1 - quotient)} less`)}`;
  }
  const usual = warn[1] === Number.POSITIVE_INFINITY ? `at least ${warn[0]}` : `${warn[0]} to ${warn[1]}`;
  const who = families?.length === 1 ? `${families[0]} shapes have` : 'shapes have';
  return `${shown(quotient)} times ${formula}, which is ${other}; ${who} ${usual}`;
}

function pairFinding(row: MaterialRow, values: Values, found: Disagreement): Finding[] {
  const column = CHECKED_COLUMNS[found.place]!;
  const quotient = values[found.place]! / found.expected;
  if (isAllowed(row, PAIR.name, column, quotient)) return [];
  const difference =
    misplacedPoint(quotient) ?? `this is ${percent(Math.abs(quotient - 1))} ${quotient > 1 ? 'more' : 'less'}`;
  const expected = `${shown(found.expected)} ${unitOf(column, 'SI')}`.trim();
  return [
    {
      rule: PAIR.name,
      column,
      value: textOf(row, column),
      reason: `the US row of the shape says ${expected}, ${difference}`,
      severity: found.reject ? 'error' : 'warning',
    },
  ];
}

/** A power of ten is the decimal point, or AISC's powers of ten of metric columns taken once too often or not at all. */
function misplacedPoint(quotient: number): string | undefined {
  const power = Math.round(Math.log10(quotient));
  if (power === 0 || !Number.isFinite(power) || Math.abs(quotient / 10 ** power - 1) > 0.03) return undefined;
  return `this is 10${superscript(power)} times that`;
}

function superscript(power: number): string {
  return String(power).replace(/[-\d]/g, (sign) => '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'['-0123456789'.indexOf(sign)]!);
}

function percent(share: number): string {
  return `${share < 0.1 ? (share * 100).toPrecision(2) : Math.round(share * 100)} %`;
}

/** Four digits, without an exponent: `416200000`. */
function shown(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function textOf(row: MaterialRow, column: string): string {
  const number = (row.numbers as Readonly<Record<string, string | null | undefined>>)[column];
  const property = row.properties.get(column);
  return number ?? (typeof property === 'string' ? property : '');
}
