import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { StructdbError } from '../../src/core/errors.ts';
import { nextNumber, slugOf } from '../../src/migrate/files/new-name.ts';

const NOW = new Date('2026-11-25T09:30:00.123Z');
const numberAfter = (...names: string[]) => {
  const { number, separator } = nextNumber(names, NOW);
  return `${number}${separator}`;
};
function codeAndMessage(work: () => unknown): { code: string; message: string; hint: string | undefined } {
  try {
    work();
  } catch (error) {
    if (error instanceof StructdbError) return { code: error.code, message: error.message, hint: error.hint };
    throw error;
  }
  throw new Error('it did not fail');
}

describe('nextNumber', () => {
  it.each([
    [[], '001_'],
    [['001_core', '002_more'], '003_'],
    [['006_envelope'], '007_'],
    [['0200_x', '0009_y'], '0201_'],
    [['099_x'], '100_'],
    [['1_x', '2_y'], '3_'],
    [['0001-dashed'], '0002-'],
    [['V012__flyway'], 'V013__'],
    [['a0001_x', '999_y'], 'a0002_'],
    [['007'], '008_'],
    [['0100_wide', '011_narrow'], '012_'],
  ])('after %j comes %s', (names, number) => {
    expect(numberAfter(...names)).toBe(number);
  });

  it.each([
    ['20251125093000_x', '20261125093000_'],
    ['20261125093000_same_second', '20261125093001_'],
    ['20991231235959_from_the_future', '21000101000000_'],
    ['1700000000000_kysely_ctl', `${NOW.getTime()}_`],
    ['1999999999999_from_the_future', '2000000000000_'],
    // No date: a number like others.
    ['20261325093000_month_13', '20261325093001_'],
    ['00000000000007_wide', '00000000000008_'],
  ])('after the timestamp of %s comes %s', (name, number) => {
    expect(numberAfter(name)).toBe(number);
  });

  it('refuses what would not come last, and says what to do', () => {
    expect(codeAndMessage(() => numberAfter('998_x', '999_y'))).toEqual({
      code: 'MIGRATION_FILES_INVALID',
      message:
        'The last migration, 999_y, has the last number of 3 digits: 1000 would come before it, because names are ordered as plain text.',
      hint: 'Give the new file a name that comes after it by hand, such as a0001_<name>; the next ones are numbered on from there.',
    });
    // What the hint says is true.
    expect(['999_y', 'a0001_name'].toSorted().at(-1)).toBe('a0001_name');
    expect(numberAfter('998_x', '999_y', 'a0001_name')).toBe('a0002_');
    expect(codeAndMessage(() => numberAfter('a9_x')).hint).toContain('b01_<name>');
    expect(codeAndMessage(() => numberAfter('001_x', 'notes'))).toMatchObject({
      code: 'MIGRATION_FILES_INVALID',
      message: 'The last migration, notes, has no number: a numbered one would come before it.',
    });
  });

  const digits = fc
    .tuple(fc.integer({ min: 1, max: 18 }), fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }))
    .map(([width, value]) => String(value).slice(0, width).padStart(width, '0'));
  const stamp = fc
    .date({ min: new Date('1980-01-01'), max: new Date('2090-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString().replace(/\D/g, '').slice(0, 14));
  const stem = fc
    .tuple(
      fc.constantFrom('', '', '', 'V', 'a', 'z'),
      fc.oneof(digits, stamp, fc.constantFrom('001', '002', '9', '99', '999')),
      fc.constantFrom('_', '__', '-', ''),
      fc.string({ unit: fc.constantFrom('a', 'z', 'Z', '0', '9', '_', '-', '~', 'ü', '日', '😀') }),
    )
    .map((parts) => parts.join(''));
  const any = fc.oneof({ weight: 20, arbitrary: stem }, { weight: 1, arbitrary: fc.string({ minLength: 1 }) });

  it('gives a name that comes after all others, as wide as the last one, or refuses', () => {
    let given = 0;
    fc.assert(
      fc.property(fc.uniqueArray(any, { maxLength: 8 }), fc.constantFrom('rooms', '0', 'ü'), (names, slug) => {
        let number: string;
        try {
          number = numberAfter(...names);
        } catch (error) {
          expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID' });
          return;
        }
        given += 1;
        const name = `${number}${slug}`;
        expect([...names, name].toSorted().at(-1)).toBe(name);
        expect(names).not.toContain(name);
        const last = names.toSorted().at(-1);
        const widthOf = (text: string) => /\d+/.exec(text)![0].length;
        if (last !== undefined) expect(widthOf(number)).toBe(widthOf(last));
      }),
      { numRuns: 5000 },
    );
    expect(given).toBeGreaterThan(2000);
  });

  it('numbers one after the other, until the width is full', () => {
    fc.assert(
      fc.property(stem, fc.integer({ min: 2, max: 30 }), (first, count) => {
        const names = [first];
        for (let step = 0; step < count; step += 1) {
          try {
            names.push(`${numberAfter(...names)}x`);
          } catch (error) {
            expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID' });
            return;
          }
        }
        expect(names.toSorted()).toEqual(names);
        expect(new Set(names).size).toBe(names.length);
      }),
    );
  });
});

describe('slugOf', () => {
  it.each([
    ['add rooms', 'add_rooms'],
    ['Add-Rooms', 'add_rooms'],
    ['  add   rooms -- now ', 'add_rooms_now'],
    ['_private_', 'private'],
    ['Größe Übung', 'größe_übung'],
    ['Gro\u0308ße', 'größe'],
    ['日本', '日本'],
    ['हिन्दी', 'हिन्दी'],
    ['2d frames', '2d_frames'],
  ])('of %j is %s', (name, slug) => {
    expect(slugOf(name)).toBe(slug);
  });

  it.each(['', ' ', '-', '__', '.', '..', 'a.b', 'a/b', 'a\\b', '../up', 'a\0b', 'a;b', "a'b", 'x'.repeat(201)])(
    'refuses %j',
    (name) => {
      expect(codeAndMessage(() => slugOf(name))).toMatchObject({ code: 'USAGE' });
    },
  );

  it('is the slug of itself, and never leaves the folder', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (name) => {
        let slug: string;
        try {
          slug = slugOf(name);
        } catch (error) {
          expect(error).toMatchObject({ code: 'USAGE' });
          return;
        }
        expect(slug).toMatch(/^[\p{L}\p{M}\p{N}]([\p{L}\p{M}\p{N}_]*[\p{L}\p{M}\p{N}])?$/u);
        expect(slugOf(slug)).toBe(slug);
      }),
      { numRuns: 2000 },
    );
  });
});
