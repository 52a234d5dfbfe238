import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { planVersions } from '../../src/catalog/load/version-plan.ts';
import { CONSTANTS, type Version, type VersionRow } from '../../src/catalog/load/version-tables.ts';

const dayOf = (day: number) => new Date(Date.UTC(2026, 0, 1 + day)).toISOString().slice(0, 10);
const stored = (version: string, from: number, to: number | null = null): Version => ({
  name: 'phi',
  version,
  values: ['0.90', '1', '', 'own tests'],
  from: dayOf(from),
  to: to === null ? null : dayOf(to),
});
const given = (line: number, version: string, from: number, to: number | null = null): VersionRow => ({
  line,
  ...stored(version, from, to),
  values: ['0.9', '1', '', 'own tests'],
});
const plan = (before: readonly Version[], rows: readonly VersionRow[]) => planVersions(CONSTANTS, before, rows);
const reasons = (before: readonly Version[], rows: readonly VersionRow[]) =>
  plan(before, rows).conflicts.map(({ line, reason }) => `${line}: ${reason}`);

describe('a new version', () => {
  it("closes its predecessor's open range at its own start", () => {
    const { inserted, closed, ended, conflicts } = plan([stored('1', 0)], [given(2, '2', 10)]);
    expect(conflicts).toEqual([]);
    expect(inserted.map(({ version, to }) => [version, to])).toEqual([['2', null]]);
    expect(closed).toEqual([{ name: 'phi', version: '1', at: dayOf(10) }]);
    expect(ended).toEqual(closed);
  });

  it('closes one of the same file too, whatever the order of the rows', () => {
    for (const rows of [
      [given(2, '1', 0), given(3, '2', 10)],
      [given(2, '2', 10), given(3, '1', 0)],
    ]) {
      const { inserted, closed, ended, conflicts } = plan([], rows);
      expect(conflicts).toEqual([]);
      expect(inserted.find(({ version }) => version === '1')!.to).toBe(dayOf(10));
      expect([closed.length, ended.length]).toEqual([1, 0]);
    }
  });

  it('that overlaps a closed range, an open one that starts later or on the same day, is refused with both named', () => {
    expect(reasons([stored('1', 0, 20)], [given(2, '2', 10)])).toEqual([
      '2: version 2 of phi (from 2026-01-11) overlaps version 1 (2026-01-01 to 2026-01-21) in the database',
    ]);
    expect(reasons([stored('1', 20)], [given(2, '2', 10)])).toEqual([
      '2: version 2 of phi (from 2026-01-11) overlaps version 1 (from 2026-01-21) in the database; give it effective_to 2026-01-21',
    ]);
    expect(reasons([stored('1', 10)], [given(2, '2', 10)])).toHaveLength(1);
    expect(reasons([], [given(2, '1', 0, 20), given(3, '2', 10, 30)])).toEqual([
      '3: version 2 of phi (2026-01-11 to 2026-01-31) overlaps version 1 (2026-01-01 to 2026-01-21) of line 2',
    ]);
    // Not only neighbours: the first range reaches over the second to the third.
    expect(reasons([stored('1', 0, 30), stored('9', 40)], [given(2, '2', 5, 6), given(3, '3', 10, 20)])).toHaveLength(
      2,
    );
  });
});

describe('a version that is there', () => {
  it('is unchanged where numbers are equal, and where its successor closed what the file leaves open', () => {
    expect(plan([stored('1', 0, 10)], [given(2, '1', 0)])).toMatchObject({ unchanged: 1, updated: 0, conflicts: [] });
  });

  it('may be given an end, and no other one than it has', () => {
    expect(plan([stored('1', 0)], [given(2, '1', 0, 10)])).toMatchObject({ updated: 1, ended: [{ at: dayOf(10) }] });
    expect(reasons([stored('1', 0, 10)], [given(2, '1', 0, 11)])).toEqual([expect.stringMatching(/never changed/)]);
  });

  it('is never given another value, unit, source or start', () => {
    const change = (changes: Partial<VersionRow>) => reasons([stored('1', 0)], [{ ...given(2, '1', 0), ...changes }]);
    expect(change({ values: ['0.95', '1', '', 'own tests'] })).toEqual([
      '2: version 1 of phi has "0.90" in the database; a released version is never changed: give it a new version',
    ]);
    expect(change({ values: ['0.9', 'ksi', '', 'own tests'] })).toHaveLength(1);
    expect(change({ values: ['0.9', '1', '', 'other'] })).toHaveLength(1);
    expect(change({ from: dayOf(1) })).toHaveLength(1);
  });

  it('twice in a file is refused', () => {
    expect(reasons([], [given(2, '1', 0, 5), given(3, '1', 0, 5)])).toEqual(['3: the same version stands on line 2']);
  });
});

/** The same rules, slowly: one row after the other in the order of their starts, and a range is the set of its days. */
class Model {
  readonly #horizon = 60;
  #ranges: { version: string; from: number; to: number | null }[] = [];

  import(rows: readonly { version: string; from: number; to: number | null }[]): boolean {
    const next = this.#ranges.map((range) => ({ ...range }));
    for (const row of rows.toSorted((a, b) => a.from - b.from)) {
      const days = new Set(this.#days(row));
      const touching = next.filter((range) => this.#days(range).some((day) => days.has(day)));
      const [predecessor, ...others] = touching;
      if (predecessor) {
        if (others.length > 0 || predecessor.to !== null || predecessor.from >= row.from) return false;
        predecessor.to = row.from;
      }
      next.push({ ...row });
    }
    this.#ranges = next;
    return true;
  }

  asOf(day: number): string[] {
    return this.#ranges.filter((range) => this.#days(range).includes(day)).map(({ version }) => version);
  }

  #days({ from, to }: { from: number; to: number | null }): number[] {
    return Array.from({ length: (to ?? this.#horizon) - from }, (_, at) => from + at);
  }
}

describe('any sequence of imports', () => {
  const range = fc.record({
    from: fc.nat(25),
    length: fc.option(fc.integer({ min: 1, max: 12 }), { nil: null, freq: 1 }),
  });

  it('gives at most one version on every day, the one that a simple model gives', () => {
    fc.assert(
      fc.property(fc.array(fc.array(range, { minLength: 1, maxLength: 3 }), { maxLength: 6 }), (imports) => {
        const model = new Model();
        let database: Version[] = [];
        imports.forEach((ranges, at) => {
          const rows = ranges.map(({ from, length }, index) => ({
            version: `${at}.${index}`,
            from,
            to: length === null ? null : from + length,
          }));
          const lines = rows.map((row, index) => given(index + 2, row.version, row.from, row.to));
          const { conflicts, ended, inserted } = plan(database, lines);
          expect(conflicts.length === 0).toBe(model.import(rows));
          if (conflicts.length > 0) return;
          const ends = new Map(ended.map((one) => [one.version, one.at]));
          database = [
            ...database.map((one) => ({ ...one, to: ends.get(one.version) ?? one.to })),
            ...inserted.map(({ line: _, ...version }) => version),
          ];
          // What was accepted once changes nothing when it comes again.
          expect(plan(database, lines)).toMatchObject({
            inserted: [],
            ended: [],
            conflicts: [],
            unchanged: rows.length,
          });
        });
        for (let day = 0; day < 60; day += 1) {
          const date = dayOf(day);
          const inForce = database.filter(({ from, to }) => from <= date && (to === null || date < to));
          expect(inForce.map(({ version }) => version)).toEqual(model.asOf(day));
          expect(inForce.length).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 200 },
    );
  });
});
