import type { Properties } from './properties.ts';

/** The numbers that have a column of their own in material_catalog; everything else goes into `properties`. */
export const NUMBER_COLUMNS = [
  'weight',
  'area',
  'depth',
  'ix',
  'sx',
  'zx',
  'rx',
  'iy',
  'sy',
  'zy',
  'ry',
  'fy',
  'fu',
] as const;

/** The words that have a column of their own besides the key. */
export const TEXT_COLUMNS = ['kind', 'shape_type', 'manual_label', 'product_form'] as const;

/** What identifies a row of material_catalog. */
export const KEY_COLUMNS = ['standard', 'edition', 'unit_system', 'designation', 'variant'] as const;

/**
 * More characters has no name of anything, and an index takes about 2,700 bytes of a row: the longest key, of three such
 * words in any alphabet, fits.
 */
const LONGEST_NAME = 200;

/** Why a word of a key, or another one that an index holds, cannot be stored; or undefined. */
export function tooLong(text: string): string | undefined {
  return text.length > LONGEST_NAME ? `longer than ${LONGEST_NAME} characters` : undefined;
}

export type NumberColumn = (typeof NUMBER_COLUMNS)[number];
export type TextColumn = (typeof TEXT_COLUMNS)[number];
export type KeyColumn = (typeof KEY_COLUMNS)[number];
export type UnitSystem = 'US' | 'SI';

/** One row of material_catalog as a file gives it. Numbers are exact decimals as text, null where the file has none. */
export interface MaterialRow {
  /** Line of the file on which the row begins, counted from 1. */
  readonly line: number;
  readonly standard: string;
  readonly edition: string;
  readonly unitSystem: UnitSystem;
  readonly designation: string;
  readonly variant: string;
  readonly texts: Readonly<Partial<Record<TextColumn, string | null>>>;
  readonly numbers: Readonly<Partial<Record<NumberColumn, string | null>>>;
  /** Only what the file has a value for. */
  readonly properties: Properties;
}

/** One row of code_references as a file gives it. */
export interface ReferenceRow {
  readonly line: number;
  readonly standard: string;
  readonly edition: string;
  readonly section: string;
  readonly title: string;
  readonly topic: string | null;
  readonly expression: string | null;
  readonly url: string | null;
}

export type CatalogRow = MaterialRow | ReferenceRow;

/** Something wrong with one cell or one row of a file. */
export interface RowProblem {
  readonly file: string;
  readonly line: number;
  /** The file's own name of the column. */
  readonly column: string;
  readonly value: string;
  readonly reason: string;
  /** The rule that the row breaks, as docs/catalog-checks.md names it; without one, the cell cannot be read. */
  readonly rule?: string;
}
