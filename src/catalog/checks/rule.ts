import type { Values } from './values.ts';

/** The least and the most that a quotient may be. */
export type Range = readonly [number, number];

/**
 * What the numbers of a shape have to do with each other: a value is set against what follows from the others, and their
 * quotient must lie in a range. Outside `warn` the row is imported and the finding told; outside `reject` the row is bad.
 */
export interface Rule {
  /** Its name in findings and in docs/catalog-checks.md. */
  readonly name: string;
  /** The shape types it is for; all where it does not say. */
  readonly families?: readonly string[];
  /** The column that is judged. */
  readonly column: string;
  /** What the value should be, from the other values of the row: NaN where one of them is missing. */
  readonly expected: (values: Values) => number;
  /** The formula in AISC's symbols, for messages: `√(Ix/A)`. */
  readonly formula: string;
  /** Which quotients of value and formula are as they should be. */
  readonly warn: Range;
  /** Which quotients are possible at all. A rule without it never rejects a row. */
  readonly reject?: Range;
  /** A difference in inches that is always allowed: detailing dimensions are rounded to sixteenths. */
  readonly slack?: number;
  /** What usually is the matter, for the end of a message: `are tf and tw swapped?`. */
  readonly suspect?: string;
  /** Why the ranges are what they are. */
  readonly source: string;
}

type Identity = Omit<Rule, 'warn' | 'reject' | 'source'> & Partial<Pick<Rule, 'warn' | 'source'>>;

/**
 * A rule whose two sides are the same quantity. Three numbers that are each rounded to three digits, by half a unit of the
 * last one, differ by at most 1.5 %; a tenth is no rounding any more.
 */
export function identity(rule: Identity): Rule {
  return {
    warn: within(0.015),
    reject: within(0.1),
    source: 'The same quantity; each number is rounded to three digits.',
    ...rule,
  };
}

/** The quotients that differ from 1 by at most this share. */
export function within(share: number): Range {
  return [1 - share, 1 + share];
}

/** Shape types that share a form. */
export const I_SHAPES: readonly string[] = ['W', 'M', 'S', 'HP'];
export const CHANNELS: readonly string[] = ['C', 'MC'];
export const TEES: readonly string[] = ['WT', 'MT', 'ST'];
export const ANGLES: readonly string[] = ['L', '2L'];
export const HOLLOW: readonly string[] = ['HSS', 'PIPE'];
