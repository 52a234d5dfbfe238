import { parseDecimal, parseFraction, withoutBinaryNoise } from '../reading/decimal.ts';

/** A cell of AISC's table: a number, no value, or what is wrong with it. */
export type AiscCell = { readonly value: string | null } | { readonly reason: string };

const NONE: AiscCell = Object.freeze({ value: null });

/**
 * Reads a number as AISC's tables print it: plain (`16.1`), as a fraction padded to a column (`44  3/4 `), or from the
 * raw cell of the sheet (`7.0400000000000004E-2`). An en dash, a hyphen or nothing means that the shape has no such value.
 */
export function readAiscCell(text: string): AiscCell {
  if (text === '–' || text === '') return NONE;
  const decimal = parseDecimal(text);
  if (decimal !== undefined) return signed(decimal, text);
  const trimmed = text.trim();
  if (trimmed === '–' || trimmed === '-' || trimmed === '—' || trimmed === '') return NONE;
  const value = parseDecimal(trimmed) ?? parseFraction(trimmed);
  if (value !== undefined) return signed(value, trimmed);
  return { reason: /^[\d -]*\d\/\d+$/.test(trimmed) ? 'a fraction without an exact decimal' : 'not a number' };
}

function signed(decimal: string, text: string): AiscCell {
  if (decimal.startsWith('-')) return { reason: 'negative; no value of the table is' };
  return { value: text.length > 15 ? withoutBinaryNoise(decimal) : decimal };
}
