import { StructdbError } from '../core/errors.ts';
import { formatCount } from '../core/units.ts';

const TIMES: Readonly<Record<string, number>> = { '': 1, k: 1000, m: 1_000_000 };

interface Range {
  readonly name: string;
  readonly least: number;
  readonly most: number;
}

/**
 * `10k,100k,1m` as numbers, ascending and each once.
 * @throws USAGE naming the part that is none
 */
export function numberList(text: string, { name, least, most }: Range): readonly number[] {
  const numbers = text.split(',').map((part) => {
    const match = /^(\d+(?:\.\d+)?)([km]?)$/i.exec(part.trim());
    const value = match ? Math.round(Number(match[1]) * TIMES[match[2]!.toLowerCase()]! * 1000) / 1000 : Number.NaN;
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    const range = `whole numbers from ${formatCount(least)} to ${formatCount(most)}, separated by commas`;
    throw new StructdbError('USAGE', `--${name} takes ${range} (10k is 10,000 and 1m is 1,000,000), not "${part}".`, {
      hint: 'Run: structdb bench --help',
    });
  });
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/** The number of a flag, under the name of its option. @throws USAGE */
export function wholeNumber(
  name: string,
  text: string | undefined,
  least: number,
  most: number,
): Record<string, number> {
  if (text === undefined) return {};
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return { [name]: value };
  const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new StructdbError('USAGE', `--${flag} takes a whole number from ${least} to ${most}, not "${text}".`, {
    hint: 'Run: structdb bench --help',
  });
}
