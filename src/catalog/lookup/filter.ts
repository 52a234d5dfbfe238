import type { Field } from './fields.ts';

/** What a filter says: every term must hold. Plain data, which `printFilter` writes and `parseFilter` reads. */
export interface Filter {
  readonly terms: readonly Term[];
}

export type Term = WordsTerm | NumberTerm | TextTerm;

/** `W|S`, `W14*`: a shape of one of these types or names. */
export interface WordsTerm {
  readonly kind: 'words';
  readonly words: readonly Word[];
}

export interface Word {
  readonly kind: 'type' | 'name';
  /** In upper case; `*` in a name stands for anything. */
  readonly text: string;
}

export type NumberOperator = '=' | '!=' | '<' | '<=' | '>' | '>=';

/** `Zx >= 200 in^3`, `d = 12..14`. */
export interface NumberTerm {
  readonly kind: 'number';
  readonly field: Field;
  readonly operator: NumberOperator;
  readonly value: Quantity;
  /** The other end of a range, only with `=` and `!=`. */
  readonly to?: Quantity;
}

export interface Quantity {
  /** A plain decimal, or a reduced fraction where no decimal equals it. */
  readonly number: string;
  /** The unit as written by `Unit.name`; absent: that of the search's unit system. */
  readonly unit?: string;
}

/** `kind = bolt`, `product_form = bars|plates`. */
export interface TextTerm {
  readonly kind: 'text';
  readonly field: Field;
  readonly operator: '=' | '!=';
  /** In upper case; `*` stands for anything. */
  readonly values: readonly string[];
}

/** The filter in its language; parsing it gives the same filter. */
export function printFilter({ terms }: Filter): string {
  return terms.map(printTerm).join(', ');
}

function printTerm(term: Term): string {
  if (term.kind === 'words') return term.words.map(({ text }) => text).join('|');
  const { field, operator } = term;
  if (term.kind === 'text') return `${field.name} ${operator} ${term.values.map(printText).join('|')}`;
  const range = term.to ? `..${printQuantity(term.to)}` : '';
  return `${field.name} ${operator} ${printQuantity(term.value)}${range}`;
}

function printQuantity({ number, unit }: Quantity): string {
  return unit === undefined ? number : `${number} ${unit}`;
}

function printText(text: string): string {
  return PLAIN_TEXT.test(text) ? text : `"${text.replaceAll('"', '""')}"`;
}

/** What needs no quotes. */
export const PLAIN_TEXT = /^[^\s,|<>=!≤≥≠"]+$/;
