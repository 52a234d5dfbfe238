import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ageOfData } from '../../src/drill/age.ts';
import { check } from '../../src/drill/checks.ts';
import { verdictOf } from '../../src/drill/verdict.ts';

const DAY = 86_400_000;
const start = Date.parse('2026-11-24T02:00:00.000Z');
const manifest = (tiers: ('daily' | 'weekly' | 'monthly')[] = ['daily'], durationMs = 1000) => ({
  startedAt: new Date(start).toISOString(),
  durationMs,
  tiers,
});
const tierList = fc.subarray<'daily' | 'weekly' | 'monthly'>(['daily', 'weekly', 'monthly']);

describe('The age of the data', () => {
  it('is within the limit until the next backup of the tier can be complete, and never after', () => {
    fc.assert(
      fc.property(tierList, fc.nat(3_600_000), fc.nat(60 * DAY), (tiers, durationMs, passed) => {
        const age = ageOfData(manifest(tiers, durationMs), new Date(start + passed), true);
        expect(age.ms).toBe(passed);
        expect(age.withinLimit).toBe(passed <= age.limitMs);
        expect(age.limitMs).toBe(age.intervalMs + durationMs + 60_000);
      }),
    );
  });

  it('is judged by the shortest tier of the backup, as a daily one when it has none', () => {
    const intervals = (tiers: ('daily' | 'weekly' | 'monthly')[]) =>
      ageOfData(manifest(tiers), new Date(start), true).intervalMs / DAY;
    expect([[], ['daily'], ['weekly'], ['monthly'], ['monthly', 'weekly']].map((t) => intervals(t as never))).toEqual([
      1, 1, 7, 31, 7,
    ]);
  });

  it('is never negative when the clocks of server and drill differ', () => {
    expect(ageOfData(manifest(), new Date(start - 5000), true)).toMatchObject({ ms: 0, withinLimit: true });
  });
});

const good = {
  label: 'the-backup',
  passedOver: [] as { label: string; reason: string }[],
  checks: [check('contents', 'all is there', []), check('settings', 'all are there', [])],
  rto: { measuredMs: 10, objectiveMs: 100, met: true, phases: {} as never },
  rpo: { provable: false as const, required: false, objectiveMs: 1, message: '' },
  ageOfData: { ms: 1, intervalMs: DAY, limitMs: DAY, judged: true, withinLimit: true },
};
/** Each broken promise alone, gravest first. */
const broken = [
  ['BACKUP_CORRUPT', { passedOver: [{ label: 'newer', reason: 'it is cut.' }] }],
  ['CONTENT_DIFFERS', { checks: [check('contents', '', ['a differs', 'b differs']), check('settings', '', ['x'])] }],
  [
    'CHECK_FAILED',
    { checks: [check('contents', 'fine', []), check('settings', '', ['statement_timeout is missing'])] },
  ],
  ['RTO_EXCEEDED', { rto: { ...good.rto, measuredMs: 200, met: false } }],
  ['BACKUP_STALE', { ageOfData: { ...good.ageOfData, withinLimit: false } }],
  ['RPO_UNPROVABLE', { rpo: { ...good.rpo, required: true } }],
] as const;

describe('The verdict', () => {
  it('is good when every promise holds, and leaves the age of a named backup alone', () => {
    expect(verdictOf(good)).toBeUndefined();
    expect(verdictOf({ ...good, ageOfData: { ...good.ageOfData, judged: false, withinLimit: false } })).toBeUndefined();
  });

  it('of any broken promises is the gravest, with exit code 4 and a next command', () => {
    fc.assert(
      fc.property(fc.subarray([...broken.keys()], { minLength: 1 }), (indexes) => {
        // Later assignments win, so the gravest comes last.
        const found = [...indexes].sort((a, b) => b - a).map((index) => broken[index]![1]);
        const result = Object.assign({}, good, ...found) as typeof good;
        const verdict = verdictOf(result);
        expect(verdict).toMatchObject({ code: broken[Math.min(...indexes)]![0], exitCode: 4 });
        expect(verdict!.hint).toBeTruthy();
      }),
    );
  });

  it('tells every deviation', () => {
    const verdict = verdictOf({ ...good, ...broken[1][1] });
    expect(verdict).toMatchObject({ details: ['a differs', 'b differs', 'x'] });
  });
});
