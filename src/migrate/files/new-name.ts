import { StructdbError } from '../../core/errors.ts';

/** How the names of a folder begin: `0001_`, `20261125093000_`, `V7__`. */
interface Numbering {
  readonly prefix: string;
  readonly digits: string;
  readonly separator: string;
}

const NUMBERED = /^([a-z]?)(\d+)([_-]*)/i;
const LONGEST_NAME_BYTES = 200;

/**
 * What the name of a new migration begins with, so that it comes after all others in the order of plain text, which is the
 * order of application: the number after the last one's, as wide as that; after a timestamp (14 digits in UTC, or the
 * milliseconds since 1970 that kysely-ctl writes) the one of now.
 * @throws MIGRATION_FILES_INVALID when no number would come last
 */
export function nextNumber(
  names: readonly string[],
  now: Date,
): { readonly number: string; readonly separator: string } {
  const last = names.toSorted().at(-1);
  if (last === undefined) return { number: '001', separator: '_' };
  const numbering = numberingOf(last);
  if (numbering === undefined) {
    throw new StructdbError(
      'MIGRATION_FILES_INVALID',
      `The last migration, ${last}, has no number: a numbered one would come before it.`,
      { hint: 'Move it into a subfolder when it is none; else name the new file by hand, so that it comes after it.' },
    );
  }
  const { prefix, digits, separator } = numbering;
  const next = following(digits, now);
  if (next.length > digits.length) throw exhausted(last, numbering, next);
  return { number: `${prefix}${next}`, separator: separator || '_' };
}

function numberingOf(name: string): Numbering | undefined {
  const [, prefix, digits, separator] = NUMBERED.exec(name) ?? [];
  return digits === undefined ? undefined : { prefix: prefix!, digits, separator: separator! };
}

/** Longer than `digits` when no number of that width is left. */
function following(digits: string, now: Date): string {
  const stamp = dateOf(digits);
  // A last one from the future (another clock, or the same second) is what has to be passed.
  if (stamp !== undefined) return stampOf(new Date(Math.max(now.getTime(), stamp.getTime() + 1000)));
  const next = BigInt(digits) + 1n;
  const isMilliseconds = /^[1-9]\d{12}$/.test(digits);
  const least = isMilliseconds && BigInt(now.getTime()) > next ? BigInt(now.getTime()) : next;
  return String(least).padStart(digits.length, '0');
}

/** Of `20261125093000`; undefined when it is no date. */
function dateOf(digits: string): Date | undefined {
  if (digits.length !== 14) return undefined;
  const iso = digits.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6Z');
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) || stampOf(date) !== digits ? undefined : date;
}

function stampOf(date: Date): string {
  return date.toISOString().replace(/\D/g, '').slice(0, -3);
}

function exhausted(last: string, { prefix, digits }: Numbering, next: string): StructdbError {
  // Letters come after all digits, and the next letter after this one.
  const letter = prefix === '' ? 'a' : String.fromCharCode(prefix.charCodeAt(0) + 1);
  const first = `${letter}${'1'.padStart(digits.length + 1, '0')}`;
  const hint = /^[a-z]/i.test(first)
    ? `Give the new file a name that comes after it by hand, such as ${first}_<name>; the next ones are numbered on from there.`
    : 'Give the new file a name that comes after it by hand.';
  return new StructdbError(
    'MIGRATION_FILES_INVALID',
    `The last migration, ${last}, has the last number of ${digits.length} ${digits.length === 1 ? 'digit' : 'digits'}: ${prefix}${next} would come before it, because names are ordered as plain text.`,
    { hint },
  );
}

/**
 * The name as files have it: lower case, with `_` for spaces and dashes.
 * @throws USAGE for a name without a letter or digit, or with other characters than letters, digits, spaces, `-` and `_`
 */
export function slugOf(name: string): string {
  const slug = name
    .normalize('NFC')
    .toLowerCase()
    .replace(/[\s_-]+/g, '_')
    .replace(/^_|_$/g, '');
  const [odd] = /[^\p{L}\p{M}\p{N}_]/u.exec(slug) ?? [];
  const problem =
    odd !== undefined
      ? `"${name}" holds ${JSON.stringify(odd)}, which the name of a migration cannot have.`
      : slug === ''
        ? 'The name of a migration needs a letter or a digit.'
        : Buffer.byteLength(slug) > LONGEST_NAME_BYTES
          ? `The name is longer than ${LONGEST_NAME_BYTES} bytes.`
          : undefined;
  if (problem === undefined) return slug;
  throw new StructdbError('USAGE', problem, {
    hint: 'Write it in letters, digits, spaces, - and _: structdb migrate create "add rooms"',
  });
}
