import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { expiredBackups, type RetentionEntry } from '../../src/backup/retention.ts';
import { dayStart } from '../../src/backup/schedule.ts';

const DAY = 86_400_000;

describe('The day of a daily backup', () => {
  it.each([
    ['2026-11-24T02:00:00Z', '02:00', 'UTC', '2026-11-24T02:00:00.000Z'],
    ['2026-11-24T01:59:59Z', '02:00', 'UTC', '2026-11-23T02:00:00.000Z'],
    ['2026-07-01T00:30:00Z', '02:00', 'Europe/Berlin', '2026-07-01T00:00:00.000Z'],
    ['2026-01-01T00:30:00Z', '02:00', 'Europe/Berlin', '2025-12-31T01:00:00.000Z'],
    // The clocks jump from 02:00 to 03:00 and, in autumn, show 02:30 twice: the first one counts.
    ['2026-03-29T02:00:00Z', '02:30', 'Europe/Berlin', '2026-03-29T01:30:00.000Z'],
    ['2026-10-25T12:00:00Z', '02:30', 'Europe/Berlin', '2026-10-25T00:30:00.000Z'],
    ['2026-11-24T12:00:00Z', '00:00', 'Pacific/Kiritimati', '2026-11-24T10:00:00.000Z'],
  ])('at %s with %s in %s began %s', (now, at, zone, expected) => {
    expect(dayStart(new Date(now), at, zone).toISOString()).toBe(expected);
  });

  it('never begins in the future, nor more than 25 hours ago, and is the same all day', () => {
    const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe');
    const instants = fc.date({ min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true });
    const times = fc.constantFrom('00:00', '02:00', '02:30', '13:45', '23:59');
    fc.assert(
      fc.property(instants, times, zones, (now, at, zone) => {
        const start = dayStart(now, at, zone);
        expect(now.getTime() - start.getTime()).toBeGreaterThanOrEqual(0);
        expect(now.getTime() - start.getTime()).toBeLessThanOrEqual(25 * 3_600_000);
        expect(dayStart(start, at, zone)).toEqual(start);
      }),
    );
  });
});

describe('Retention', () => {
  const now = new Date('2026-11-24T12:00:00Z');
  const keep = { daily: 30 * DAY };
  const entry = (daysAgo: number, more: Partial<RetentionEntry> = {}): RetentionEntry => ({
    label: `d${String(1000 - daysAgo).padStart(5, '0')}`,
    at: new Date(now.getTime() - daysAgo * DAY),
    tiers: ['daily'],
    purpose: 'schedule',
    keepLast: null,
    verified: true,
    ...more,
  });

  it('removes what the daily tier no longer keeps', () => {
    expect(expiredBackups([entry(31), entry(29), entry(0)], keep, undefined, now)).toEqual([entry(31).label]);
  });

  it('removes nothing while the newest backup is not verified', () => {
    expect(expiredBackups([entry(60), entry(50), entry(0, { verified: false })], keep, undefined, now)).toEqual([]);
  });

  it('drops only the older ones of its own purpose with --keep-last', () => {
    const own = { purpose: 'quickstart', tiers: [], keepLast: 2 };
    const entries = [
      entry(9, own),
      entry(8, { tiers: [], purpose: 'run' }),
      entry(7, { ...own, purpose: 'run' }),
      entry(6),
      entry(5, own),
      entry(0, own),
    ];
    expect(expiredBackups(entries, keep, { purpose: 'quickstart', count: 2 }, now)).toEqual([entry(9).label]);
  });

  it('never removes the newest verified backup, nor one that a tier keeps, nor one nobody gave an end', () => {
    const entries = fc.array(
      fc.record({
        daysAgo: fc.nat(90),
        tiers: fc.constantFrom<RetentionEntry['tiers']>([], ['daily']),
        purpose: fc.constantFrom('schedule', 'run', 'quickstart'),
        keepLast: fc.constantFrom(null, 1, 3),
        verified: fc.boolean(),
      }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(entries, fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }), (raw, count) => {
        const all = raw.map(({ daysAgo, ...more }, index) => ({ ...entry(daysAgo, more), label: `l${index}` }));
        const gone = new Set(
          expiredBackups(all, keep, count === undefined ? undefined : { purpose: 'quickstart', count }, now),
        );
        const newestFirst = [...all].sort((a, b) => b.at.getTime() - a.at.getTime());
        const newestVerified = newestFirst.find((one) => one.verified);
        if (newestVerified) expect(gone.has(newestVerified.label)).toBe(false);
        if (newestFirst[0] && !newestFirst[0].verified) expect(gone.size).toBe(0);
        for (const one of all) {
          const kept = one.tiers.includes('daily') && now.getTime() - one.at.getTime() <= 30 * DAY;
          const endless = one.tiers.length === 0 && !(one.keepLast !== null && one.purpose === 'quickstart' && count);
          if (kept || endless) expect(gone.has(one.label)).toBe(false);
        }
      }),
    );
  });
});
