/**
 * Exact numbers as text. A catalog value never becomes a float: what the file prints is what PostgreSQL's numeric gets.
 */

/** `-0012.50` → `-12.5`; undefined when the text is not a plain decimal or one with an exponent (`7.04E-2`). */
export function parseDecimal(text: string): string | undefined {
  if (isCanonical(text)) return text;
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (!match) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  if (whole === '' && fraction === '') return undefined;
  return placePoint(sign === '-', whole + fraction, fraction.length - Number(exponent));
}

/**
 * Whether the text is what `parseDecimal` would return. Nearly every one of a catalog's 200,000 numbers is, so this looks
 * at characters: a regular expression takes five times as long.
 */
function isCanonical(text: string): boolean {
  const { length } = text;
  let point = -1;
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === POINT && point < 0) point = at;
    else if (code < ZERO || code > NINE) return false;
  }
  const whole = point < 0 ? length : point;
  if (whole === 0 || (whole > 1 && text.charCodeAt(0) === ZERO)) return false;
  return point < 0 || (point < length - 1 && text.charCodeAt(length - 1) !== ZERO);
}

const POINT = 46;
const ZERO = 48;
const NINE = 57;

/** `44  3/4` → `44.75`, `13/16` → `0.8125`; undefined when it is no fraction, or one without an exact decimal (`1/3`). */
export function parseFraction(text: string): string | undefined {
  const match = /^(?:(\d+)[ -]+)?(\d+)\/(\d+)$/.exec(text);
  if (!match) return undefined;
  const denominator = BigInt(match[3]!);
  if (denominator === 0n) return undefined;
  const numerator = BigInt(match[1] ?? 0) * denominator + BigInt(match[2]!);
  let scale = 0;
  let scaled = numerator;
  // A denominator made of twos and fives divides some power of ten; 64 places are more than any drawing needs.
  while (scaled % denominator !== 0n) {
    if (scale === 64) return undefined;
    scaled *= 10n;
    scale += 1;
  }
  return placePoint(false, (scaled / denominator).toString(), scale);
}

/**
 * The decimal without the noise of a binary double: text with more than 15 significant digits comes from one (a double
 * keeps 15 decimal digits and prints up to 17), so `16.100000000000001` is 16.1. Fewer digits stay as they are.
 * Takes and returns the form of `parseDecimal`.
 */
export function withoutBinaryNoise(decimal: string): string {
  if (decimal.length <= 16) return decimal;
  const negative = decimal.startsWith('-');
  const [whole = '', fraction = ''] = decimal.replace('-', '').split('.');
  const digits = (whole + fraction).replace(/^0+/, '');
  const excess = digits.length - 15;
  if (excess <= 0) return decimal;
  const unit = 10n ** BigInt(excess);
  const rounded = (BigInt(digits) + unit / 2n) / unit;
  return placePoint(negative, rounded.toString(), fraction.length - excess);
}

/**
 * The decimal times a power of ten, exactly: `0.416` by 6 is `416000`. Takes and returns the form of `parseDecimal`.
 */
export function timesPowerOfTen(decimal: string, power: number): string {
  if (decimal === '0') return decimal;
  const point = decimal.indexOf('.');
  if (point < 0 && power >= 0) return decimal + '0'.repeat(power);
  const negative = decimal.startsWith('-');
  const fraction = point < 0 ? 0 : decimal.length - point - 1;
  if (!negative && power >= fraction) {
    // Nearly every metric value of a table: no point is left, so that only zeros before the digits are to go.
    const digits = decimal.slice(0, point) + decimal.slice(point + 1);
    let zeros = 0;
    while (digits.charCodeAt(zeros) === ZERO) zeros += 1;
    return digits.slice(zeros) + '0'.repeat(power - fraction);
  }
  return placePoint(negative, decimal.replace(/[-.]/g, ''), fraction - power);
}

/** Digits with the point `scale` places from the right, in canonical form: no leading or trailing zeros, no `-0`. */
function placePoint(negative: boolean, digits: string, scale: number): string {
  const padded = scale < 0 ? digits + '0'.repeat(-scale) : digits.padStart(scale + 1, '0');
  const cut = scale < 0 ? padded.length : padded.length - scale;
  const whole = padded.slice(0, cut).replace(/^0+(?=\d)/, '') || '0';
  const fraction = padded.slice(cut).replace(/0+$/, '');
  const text = fraction === '' ? whole : `${whole}.${fraction}`;
  return negative && text !== '0' ? `-${text}` : text;
}
