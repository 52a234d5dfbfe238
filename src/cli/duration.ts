import { StructdbError } from '../core/errors.ts';
import { parseDuration } from '../core/units.ts';

/** Whole milliseconds, of which PostgreSQL takes up to 2^31 - 1; 0 alone needs no unit. */
export function durationOf(flag: string, text: string): number {
  const ms = text === '0' ? 0 : parseDuration(text);
  if (ms !== undefined && ms < 2 ** 31) return Math.ceil(ms);
  throw new StructdbError('USAGE', `${flag} "${text}" is not a duration.`, {
    hint: 'Write it as 0, "30s" or "5 minutes".',
  });
}
