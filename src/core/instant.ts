/** `2026-11-25 02:03:04.123 UTC (03:03:04.123 +01:00)`: UTC, and the same by this machine's clock where that differs. */
export function formatInstant(at: Date | string, offsetMinutes?: number): string {
  const instant = typeof at === 'string' ? new Date(at) : at;
  const offset = offsetMinutes ?? -instant.getTimezoneOffset();
  const utc = `${instant.toISOString().slice(0, 23).replace('T', ' ')} UTC`;
  if (offset === 0) return utc;
  const local = new Date(instant.getTime() + offset * 60_000).toISOString();
  const pad = (value: number) => String(value).padStart(2, '0');
  const zone = `${offset < 0 ? '-' : '+'}${pad(Math.floor(Math.abs(offset) / 60))}:${pad(Math.abs(offset) % 60)}`;
  const sameDay = local.slice(0, 10) === instant.toISOString().slice(0, 10);
  return `${utc} (${sameDay ? '' : `${local.slice(0, 10)} `}${local.slice(11, 23)} ${zone})`;
}
