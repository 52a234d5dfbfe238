const DAY_MS = 86_400_000;
const two = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));
const days = new Map<number, string>();

/** What Date.toISOString gives, several times as fast: the sample writes millions of times within a few years. */
export function isoTime(ms: number): string {
  const day = Math.floor(ms / DAY_MS);
  const inDay = ms - day * DAY_MS;
  let date = days.get(day);
  if (date === undefined) {
    date = new Date(ms).toISOString().slice(0, -13);
    days.set(day, date);
  }
  const seconds = Math.floor(inDay / 1000);
  const milliseconds = inDay - seconds * 1000;
  const minutes = Math.floor(seconds / 60);
  const clock = `${two[Math.floor(minutes / 60)]}:${two[minutes % 60]}:${two[seconds % 60]}`;
  const point = milliseconds < 10 ? '.00' : milliseconds < 100 ? '.0' : '.';
  return `${date}${clock}${point}${milliseconds}Z`;
}
