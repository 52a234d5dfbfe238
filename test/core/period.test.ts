import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { periodStart } from '../../src/core/period.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('A period', () => {
  it.each([
    ['daily', '2026-11-24T02:00:00Z', '02:00', 'UTC', '2026-11-24T02:00:00.000Z'],
    ['daily', '2026-11-24T01:59:59Z', '02:00', 'UTC', '2026-11-23T02:00:00.000Z'],
    ['daily', '2026-07-01T00:30:00Z', '02:00', 'Europe/Berlin', '2026-07-01T00:00:00.000Z'],
    ['daily', '2026-01-01T00:30:00Z', '02:00', 'Europe/Berlin', '2025-12-31T01:00:00.000Z'],
    // The clocks jump from 02:00 to 03:00 and, in autumn, show 02:30 twice: the first one counts.
    ['daily', '2026-03-29T02:00:00Z', '02:30', 'Europe/Berlin', '2026-03-29T01:30:00.000Z'],
    ['daily', '2026-10-25T12:00:00Z', '02:30', 'Europe/Berlin', '2026-10-25T00:30:00.000Z'],
    ['daily', '2026-11-24T12:00:00Z', '00:00', 'Pacific/Kiritimati', '2026-11-24T10:00:00.000Z'],
    // 2026-11-23 is a Monday.
    ['weekly', '2026-11-29T23:00:00Z', '02:00', 'UTC', '2026-11-23T02:00:00.000Z'],
    ['weekly', '2026-11-23T01:59:59Z', '02:00', 'UTC', '2026-11-16T02:00:00.000Z'],
    // ISO week 53 of 2026 lasts into January; week 1 of 2025 began in December.
    ['weekly', '2027-01-03T12:00:00Z', '02:00', 'UTC', '2026-12-28T02:00:00.000Z'],
    ['weekly', '2025-01-01T12:00:00Z', '02:00', 'UTC', '2024-12-30T02:00:00.000Z'],
    // The week whose Monday morning, in New York, is still Sunday in Los Angeles.
    ['weekly', '2026-11-23T07:30:00Z', '02:00', 'America/New_York', '2026-11-23T07:00:00.000Z'],
    ['weekly', '2026-11-23T07:30:00Z', '02:00', 'America/Los_Angeles', '2026-11-16T10:00:00.000Z'],
    ['monthly', '2026-12-01T01:59:59Z', '02:00', 'UTC', '2026-11-01T02:00:00.000Z'],
    ['monthly', '2026-12-01T02:00:00Z', '02:00', 'UTC', '2026-12-01T02:00:00.000Z'],
    ['monthly', '2028-02-29T23:59:59Z', '02:00', 'UTC', '2028-02-01T02:00:00.000Z'],
    ['monthly', '2026-11-01T00:30:00Z', '02:00', 'Europe/Berlin', '2026-10-01T00:00:00.000Z'],
    ['monthly', '2027-01-01T00:30:00Z', '00:00', 'Asia/Kathmandu', '2026-12-31T18:15:00.000Z'],
  ] as const)('%s, at %s with %s in %s, began %s', (tier, now, at, timeZone, expected) => {
    expect(periodStart(tier, new Date(now), { at, timeZone }).toISOString()).toBe(expected);
  });

  const tiers = fc.constantFrom('daily', 'weekly', 'monthly');
  const calendars = fc.record({
    at: fc.constantFrom('00:00', '00:30', '02:00', '02:30', '13:45', '23:59'),
    timeZone: fc.constantFrom(
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'America/Sao_Paulo',
      'Asia/Kathmandu',
      'Asia/Tehran',
      'Australia/Lord_Howe',
      'Pacific/Kiritimati',
      'Africa/Casablanca',
    ),
  });
  const instants = fc.date({ min: new Date('2012-01-01'), max: new Date('2035-01-01'), noInvalidDate: true });
  const longest = { daily: DAY, weekly: 7 * DAY, monthly: 31 * DAY } as const;

  it('began at or before now, not longer ago than it lasts, and is the same at its own beginning', () => {
    fc.assert(
      fc.property(tiers, instants, calendars, (tier, now, calendar) => {
        const start = periodStart(tier, now, calendar);
        expect(now.getTime() - start.getTime()).toBeGreaterThanOrEqual(0);
        // Clocks go back, and `at` may be skipped on one day and not on the next.
        expect(now.getTime() - start.getTime()).toBeLessThan(longest[tier] + 2 * HOUR);
        expect(periodStart(tier, start, calendar)).toEqual(start);
      }),
      { numRuns: 400 },
    );
  });

  it('of a later instant never began earlier, and every month and week begins with a day', () => {
    fc.assert(
      fc.property(tiers, instants, fc.nat(40 * DAY), calendars, (tier, now, aheadMs, calendar) => {
        const start = periodStart(tier, now, calendar);
        const later = new Date(now.getTime() + aheadMs);
        expect(periodStart(tier, later, calendar).getTime()).toBeGreaterThanOrEqual(start.getTime());
        expect(periodStart('daily', start, calendar)).toEqual(start);
      }),
      { numRuns: 300 },
    );
  });

  it('begins on a Monday or on the first, by the clocks of its zone', () => {
    fc.assert(
      fc.property(instants, calendars, (now, { at, timeZone }) => {
        const show = (date: Date) =>
          new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'short', day: 'numeric' }).format(date);
        const week = show(periodStart('weekly', now, { at, timeZone }));
        expect(week).toContain('Mon');
        expect(show(periodStart('monthly', now, { at, timeZone }))).toMatch(/\b1\b/);
      }),
      { numRuns: 300 },
    );
  });

  it('has one backup, and none is missed, however the runs of cron are spread', () => {
    // One run an hour, with jitter and outages: a backup is made exactly when its period has none.
    const gaps = fc.array(fc.integer({ min: 1, max: 60 * 60 }), { minLength: 30, maxLength: 120 });
    fc.assert(
      fc.property(tiers, instants, calendars, gaps, (tier, from, calendar, minutes) => {
        const made: Date[] = [];
        const periods = new Set<number>();
        let now = from;
        for (const gap of minutes) {
          now = new Date(now.getTime() + gap * 60_000);
          const start = periodStart(tier, now, calendar);
          periods.add(start.getTime());
          if (!made.some((one) => one >= start)) made.push(now);
        }
        expect(made.length).toBe(periods.size);
        expect(new Set(made.map((one) => periodStart(tier, one, calendar).getTime())).size).toBe(made.length);
      }),
      { numRuns: 60 },
    );
  });
});
