import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type BackupKind, formatLabel, nextLabel, parseLabel } from '../../src/repository/label.ts';
import { repositoryKeys } from '../../src/repository/layout.ts';
import { requireKey } from '../../src/storage/store.ts';

const instants = fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true });
const names = fc.string({ unit: 'binary', minLength: 1, maxLength: 15 }).filter((name) => name.isWellFormed());
const kinds = fc.constantFrom<BackupKind>('dump', 'base', 'incremental');

describe('A label', () => {
  it('reads as time, kind and database', () => {
    const at = new Date('2026-11-24T02:00:00.123Z');
    expect(formatLabel({ at, kind: 'dump', database: 'structdb' })).toBe('20261124T020000.123Z-dump-structdb');
    expect(formatLabel({ at, kind: 'base' })).toBe('20261124T020000.123Z-base');
    expect(formatLabel({ at, kind: 'dump', database: 'we ird-ß/..%' })).toBe(
      '20261124T020000.123Z-dump-we%20ird%2D%C3%9F%2F%2E%2E%25',
    );
  });

  it('gives back its parts, whatever the database is called', () => {
    fc.assert(
      fc.property(instants, kinds, fc.option(names, { nil: undefined }), (at, kind, database) => {
        expect(parseLabel(formatLabel({ at, kind, database }))).toEqual({ at, kind, database });
      }),
    );
  });

  it('is a plain key of any store, with every part of its backup', () => {
    fc.assert(
      fc.property(instants, names, (at, database) => {
        const keys = repositoryKeys('7312345678901234567');
        const label = formatLabel({ at, kind: 'dump', database });
        for (const key of [keys.manifest(label), keys.part(label, 'dump.pgdump'), keys.verification(label, at)]) {
          expect(requireKey(key)).toMatch(/^[A-Za-z0-9_%./-]+$/);
        }
      }),
    );
  });

  it('sorts by time', () => {
    fc.assert(
      fc.property(instants, instants, (one, other) => {
        const sorted = [one, other].map((at) => formatLabel({ at, kind: 'dump', database: 'x' })).sort();
        expect(sorted.map((label) => parseLabel(label)!.at.getTime())).toEqual(
          [one.getTime(), other.getTime()].sort((a, b) => a - b),
        );
      }),
    );
  });

  it('is refused when it is not later than the last one', () => {
    const at = new Date('2026-11-24T02:00:00.000Z');
    const last = formatLabel({ at, kind: 'dump', database: 'x' });
    expect(() => nextLabel({ at, kind: 'dump', database: 'x' }, last)).toThrow(
      expect.objectContaining({ code: 'CLOCK_SKEW' }),
    );
    const later = new Date(at.getTime() + 1);
    expect(nextLabel({ at: later, kind: 'dump', database: 'x' }, last)).toBe('20261124T020000.001Z-dump-x');
  });

  it.each([
    '',
    'lost+found',
    '20261124T020000.123Z',
    '20261124T020000.123Z-dump-a b',
    '20261324T020000.123Z-base',
    '20261124T020000.123Z-dump-%zz',
  ])('is not %p', (name) => expect(parseLabel(name)).toBeUndefined());
});
