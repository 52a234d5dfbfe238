/**
 * The beginning of the day that `now` lies in, when days begin at `at` (HH:MM) in a time zone. A daily backup is due
 * when none was made since then: never "more than 24 hours ago", which drifts. On a day whose clocks skip `at`, the
 * day begins when they jump.
 */
export function dayStart(now: Date, at: string, timeZone: string): Date {
  const [hour, minute] = at.split(':').map(Number) as [number, number];
  const local = new Date(now.getTime() + offsetMs(now, timeZone));
  for (let daysBack = 0; ; daysBack += 1) {
    const wall = Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate() - daysBack, hour, minute);
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
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(at);
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
