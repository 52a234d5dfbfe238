import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  BROKEN_CAP,
  type Confidence,
  confidenceOf,
  formatIndex,
  freshness,
  WEIGHTS,
} from '../../../src/journeys/report/confidence.ts';
import type { Evidence } from '../../../src/journeys/report/evidence.ts';
import { brokenPromises, proofsOf } from '../../../src/journeys/report/proofs/index.ts';
import { DAY_MS, EMPTY, evidenceOf, NOW, PERFECT, type World } from './world.ts';

const PARTS = ['migrations', 'auditTriggers', 'tiers', 'wal', 'window', 'schema', 'catalogs', 'bench', 'drills'];

const judge = (evidence: Evidence, now = NOW): Confidence =>
  confidenceOf(proofsOf(evidence), brokenPromises(evidence), now);
const indexOf = (world: World, now = NOW) => judge(evidenceOf(world), now).value;

const ages = fc.double({ min: 0, max: 200, noNaN: true });
const drills = fc.record({ age: ages, base: fc.boolean(), ok: fc.boolean() });
const worlds: fc.Arbitrary<World> = fc.record({
  unread: fc.subarray(PARTS).map((parts) => new Set(parts)),
  applied: fc.nat(4),
  schemaSame: fc.constantFrom(null, true, true, false),
  triggers: fc.nat(3),
  sourced: fc.nat(100),
  compared: fc.nat(100),
  met: fc.option(fc.nat(4)),
  benchAge: ages,
  tiers: fc.array(fc.record({ made: fc.constantFrom('none', 'due', 'good'), verifiedAge: fc.option(ages) }), {
    minLength: 1,
    maxLength: 3,
  }),
  reachDays: fc.option(fc.double({ min: 0, max: 30, noNaN: true })),
  archived: fc.boolean(),
  drills: fc.array(drills, { maxLength: 4 }),
  answers: fc.boolean(),
  known: fc.nat(3),
  broken: fc.boolean(),
});

/** One part with more proof than before; everything else as it was. */
const MORE: Readonly<Record<string, (world: World, by: number) => Partial<World>>> = {
  'what could not be read is read': ({ unread }, by) => ({
    unread: new Set([...unread].filter((_, at) => at !== Math.floor(by * unread.size))),
  }),
  'a migration is applied': ({ applied }) => ({ applied: Math.min(4, applied + 1) }),
  'the schema is verified': () => ({ schemaSame: true }),
  'a trigger is put back': ({ triggers }) => ({ triggers: Math.min(3, triggers + 1) }),
  'rows get an origin': ({ sourced }, by) => ({ sourced: Math.round(sourced + (100 - sourced) * by) }),
  'rows are compared': ({ compared }, by) => ({ compared: Math.round(compared + (100 - compared) * by) }),
  'a query meets its target': ({ met }) => ({ met: Math.min(4, (met ?? -1) + 1) }),
  'the benchmark is newer': ({ benchAge }, by) => ({ benchAge: benchAge * by }),
  'a backup is made': ({ tiers }) => ({
    tiers: tiers.map((tier, at) => (at === 0 ? { ...tier, made: 'good' } : tier)),
  }),
  'a backup is verified': ({ tiers }, by) => ({
    tiers: tiers.map((tier) => ({ ...tier, verifiedAge: tier.verifiedAge === null ? 50 * by : tier.verifiedAge * by })),
  }),
  'more can be reached': ({ reachDays }, by) => ({ reachDays: (reachDays ?? 0) + by * 7 }),
  'WAL is archived': () => ({ archived: true }),
  'a good drill is run': ({ drills }, by) => ({ drills: [...drills, { age: by * 30, base: by < 0.5, ok: true }] }),
  'the monitor answers': () => ({ answers: true }),
  'a promise is looked at': ({ known }) => ({ known: Math.min(3, known + 1) }),
  'a promise is kept again': ({ known }) => ({ broken: false, known: Math.max(1, known) }),
};

describe('The confidence index', () => {
  it('weighs all areas, one in all', () => {
    expect(Object.values(WEIGHTS).reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
    fc.assert(
      fc.property(worlds, (world) => {
        for (const { proofs } of Object.values(proofsOf(evidenceOf(world)))) {
          expect(proofs.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
        }
      }),
    );
  });

  it('is 1 where everything is proven, and 0 where nothing is', () => {
    expect(judge(evidenceOf(PERFECT))).toMatchObject({ value: 1, cap: null, gaps: [] });
    expect(judge(evidenceOf(EMPTY))).toMatchObject({ value: 0, cap: null });
    const unread = judge(evidenceOf({ ...PERFECT, unread: new Set(PARTS), answers: false, known: 0 }));
    expect(unread).toMatchObject({ value: 0, broken: [] });
  });

  it('is between 0 and 1, and says of all that is missing what it counts and which command proves it', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { value, uncapped, gaps, terms } = judge(evidenceOf(world));
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(uncapped);
        expect(uncapped).toBeLessThanOrEqual(1);
        expect(gaps.reduce((sum, { gain }) => sum + gain, uncapped)).toBeCloseTo(1, 9);
        expect(terms.reduce((sum, each) => sum + each.weight * each.value, 0)).toBeCloseTo(uncapped, 9);
        for (const { gain, what, command } of gaps) {
          expect(gain).toBeGreaterThan(0);
          expect(what).not.toBe('');
          expect(command).toMatch(/^structdb /);
        }
      }),
    );
  });

  it.each(Object.entries(MORE))('is never lower when %s', (_, more) => {
    fc.assert(
      fc.property(worlds, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (world, by) => {
        const after = { ...world, ...more(world, by) };
        // What is read at last may turn out to be broken: that is no proof.
        if (brokenPromises(evidenceOf(after)).length > brokenPromises(evidenceOf(world)).length) return;
        expect(indexOf(after)).toBeGreaterThanOrEqual(indexOf(world) - 1e-12);
      }),
      { numRuns: 50 },
    );
  });

  it('is never higher later, with nothing done since', () => {
    fc.assert(
      fc.property(worlds, fc.double({ min: 0, max: 400, noNaN: true }), (world, days) => {
        const { value } = judge(evidenceOf(world), new Date(NOW.getTime() + days * DAY_MS));
        expect(value).toBeLessThanOrEqual(indexOf(world) + 1e-12);
      }),
    );
  });

  it('is below one half while a promise is broken, however much is proven', () => {
    const broken = judge(evidenceOf({ ...PERFECT, broken: true }));
    expect(broken).toMatchObject({ value: BROKEN_CAP, uncapped: 1, cap: BROKEN_CAP });
    expect(broken.broken.map(({ id }) => id)).toEqual(['promise.0']);
    expect(judge(evidenceOf({ ...PERFECT, schemaSame: false })).value).toBeLessThan(0.5);
    fc.assert(fc.property(worlds, (world) => expect(indexOf({ ...world, broken: true })).toBeLessThan(0.5)));
  });

  it('takes a drill of a month ago for less than one of yesterday, and one that failed for none', () => {
    const drilled = (age: number, ok = true) => indexOf({ ...PERFECT, drills: [{ age, base: true, ok }] });
    expect(drilled(1)).toBe(1);
    expect(drilled(31)).toBeLessThan(drilled(16));
    expect(drilled(16)).toBeCloseTo(1 - WEIGHTS.drills / 2, 9);
    expect(drilled(1, false)).toBeCloseTo(1 - WEIGHTS.drills, 9);
    // A dump proves no recovery point.
    expect(indexOf({ ...PERFECT, drills: [{ age: 1, base: false, ok: true }] })).toBeLessThan(1);
  });

  it('counts what is dated in the future as nothing', () => {
    expect(freshness(-DAY_MS, DAY_MS)).toBe(0);
    expect(freshness(-1000, DAY_MS)).toBe(1);
    expect(indexOf({ ...PERFECT, drills: [{ age: -30, base: true, ok: true }] })).toBeLessThan(1);
  });

  it('is written cut off, so that 1.00 is reached by nothing else', () => {
    expect([1, 0.9999, 0.29, 0.5, 0].map(formatIndex)).toEqual(['1.00', '0.99', '0.29', '0.50', '0.00']);
  });
});
