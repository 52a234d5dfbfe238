import { parseDecimal, parseFraction, withoutBinaryNoise } from '../reading/decimal.ts';

/** A cell of AISC's table: a number, no value, or what is wrong with it. */
export type AiscCell = string | null | { readonly reason: string };

/** The signs that stand for "no value": AISC's en dash, and what programs and authors make of it. */
const NO_VALUE = new Set(['', '–', '—', '−', '-']);

/**
 * Reads a number as AISC's tables print it: plain (`16.1`), as a fraction padded to a column (`44  3/4 `), or from the
 * raw cell of the sheet (`7.0400000000000004E-2`). A dash, a hyphen, a minus sign or nothing means that the shape has no
 * such value.
 */
export function readAiscCell(text: string): AiscCell {
  if (text === '–' || text === '') return null;
  const decimal = parseDecimal(text);
  if (decimal !== undefined) return signed(decimal, text);
  const trimmed = text.trim();
  if (NO_VALUE.has(trimmed)) return null;
  const plain = inAscii(trimmed);
  const value = parseDecimal(plain) ?? parseFraction(plain);
  if (value !== undefined) return signed(value, plain);
  return { reason: whyNot(plain) };
}

/** `−5` → `-5`, `1½` → `1 1/2`, a no-break space → a space. */
function inAscii(text: string): string {
  return text
    .replace(/^[−–](?=[\d.])/, '-')
    .replace(/[¼½¾⅐-⅞]/, (vulgar) => ` ${vulgar.normalize('NFKC').replace('\u2044', '/')}`)
    .replaceAll('\u00a0', ' ')
    .trim();
}

function whyNot(text: string): string {
  if (/^[\d -]*\d\/\d+$/.test(text)) return 'a fraction without an exact decimal';
  if (/^-?[\d,]*\d,\d+(\.\d*)?$/.test(text))
    return 'a comma may be a decimal or a thousands sign; write a point, or none';
  return 'not a number';
}

function signed(decimal: string, text: string): AiscCell {
  if (decimal.startsWith('-')) return { reason: 'negative; no value of the table is' };
  return text.length > 15 ? withoutBinaryNoise(decimal) : decimal;
}
