/** Durations and sizes: in words for people and the configuration, in milliseconds and bytes inside. */

const MS: Readonly<Record<string, number>> = {
  ms: 1,
  millisecond: 1,
  s: 1000,
  sec: 1000,
  second: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  w: 604_800_000,
  week: 604_800_000,
  // A month here is a span, not a calendar page: 31 days, so that "12 months" never keeps less than a year.
  month: 2_678_400_000,
};

/** Milliseconds of `10 ms`, `5s`, `15 minutes`, `30 days`; undefined when the text is not a duration. */
export function parseDuration(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(text);
  if (!match) return undefined;
  const unit = match[2]!.toLowerCase();
  const factor = MS[unit] ?? (unit.length > 2 && unit.endsWith('s') ? MS[unit.slice(0, -1)] : undefined);
  return factor === undefined ? undefined : Number(match[1]) * factor;
}

/** `0.42 ms`, `12 ms`, `3.4 s`, `2 min 05 s`, `1 h 02 min`. */
export function formatDuration(ms: number): string {
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const pad = (n: number) => String(n).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 2880) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
  return `${Math.round(minutes / 1440)} days`;
}

/** `812 B`, `64.0 KiB`, `3.2 MiB`, `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let index = 0;
  while (value >= 1024 && index < names.length - 1) {
    value /= 1024;
    index += 1;
  }
  return index === 0 ? `${bytes} B` : `${value.toFixed(1)} ${names[index]}`;
}

/** `4,598`: thousands separated the same way on every machine. (toLocaleString loads ICU, 20 ms the first time.) */
export function formatCount(count: number): string {
  return String(count).replace(/(?<!\..*)\B(?=(\d{3})+(?!\d))/g, ',');
}
