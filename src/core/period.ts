/** When days begin: `at` (HH:MM) by the clocks of a time zone. Weeks and months begin at the same time of day. */
export interface Calendar {
  readonly at: string;
  readonly timeZone: string;
}

/** The periods of which each wants a backup: the tiers are named after them. */
export type Period = 'daily' | 'weekly' | 'monthly';

/** On which days a period begins, by the local date: every day, on Mondays (ISO 8601), on the first of the month. */
const BEGINS: Readonly<Record<Period, (localDate: Date) => boolean>> = {
  daily: () => true,
  weekly: (date) => date.getUTCDay() === 1,
  monthly: (date) => date.getUTCDate() === 1,
};

/**
 * The beginning of the day, week or month that `now` lies in. A backup is due when none was made since then: never
 * "more than 24 hours ago", which drifts. On a day whose clocks skip `at`, the period begins as much later as they jump.
 */
export function periodStart(period: Period, now: Date, { at, timeZone }: Calendar): Date {
  const [hour, minute] = at.split(':').map(Number) as [number, number];
  const local = new Date(now.getTime() + offsetMs(now, timeZone));
  for (let daysBack = 0; ; daysBack += 1) {
    const wall = Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate() - daysBack, hour, minute);
    if (!BEGINS[period](new Date(wall))) continue;
    const start = instantOfWall(wall, timeZone);
    if (start.getTime() <= now.getTime()) return start;
  }
}

/** The instant at which clocks of the zone show `wall` (given as if it were UTC); the first of two when set back. */
function instantOfWall(wall: number, timeZone: string): Date {
  // The offset before and after any change on that day; the earlier instant that shows the wall time wins.
  const offsets = [wall - 86_400_000, wall + 86_400_000].map((near) => offsetMs(new Date(near), timeZone));
  const candidates = offsets.map((offset) => wall - offset).sort((a, b) => a - b);
  const exact = candidates.find((instant) => instant + offsetMs(new Date(instant), timeZone) === wall);
  return new Date(exact ?? Math.max(...candidates));
}

/** Local time minus UTC at an instant. */
function offsetMs(at: Date, timeZone: string): number {
  const parts = formatterOf(timeZone).formatToParts(at);
  const value = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  const wall = Date.UTC(
    value('year'),
    value('month') - 1,
    value('day'),
    value('hour'),
    value('minute'),
    value('second'),
  );
  return wall - Math.floor(at.getTime() / 1000) * 1000;
}

/** Making one costs a hundred times what using it does. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone);
  if (known) return known;
  const formatter = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formatters.set(timeZone, formatter);
  return formatter;
}
