import type { DumpManifest, Tier } from '../repository/manifest.ts';

const DAY_MS = 86_400_000;

/** How long after the last backup of a tier the next one is there: a month has up to 31 days. */
const INTERVAL_MS: Readonly<Record<Tier, number>> = { daily: DAY_MS, weekly: 7 * DAY_MS, monthly: 31 * DAY_MS };

/** What cron and a start may take beyond the interval. */
const SLACK_MS = 60_000;

/** How old the restored data are, in milliseconds, and how old they may be. */
export interface AgeOfData {
  readonly ms: number;
  /** Of the backup's own tier, the shortest when it satisfies several; a dump without a tier is judged as a daily one. */
  readonly intervalMs: number;
  /** Until the next backup is complete: the interval, as long as this backup took, and a minute. */
  readonly limitMs: number;
  /** False for a backup that was named: nobody claimed that it is the newest. */
  readonly judged: boolean;
  readonly withinLimit: boolean;
}

/** The age of a backup's data at the instant of the disaster; its snapshot is as old as its start. */
export function ageOfData(
  manifest: Pick<DumpManifest, 'startedAt' | 'durationMs' | 'tiers'>,
  disaster: Date,
  judged: boolean,
): AgeOfData {
  const ms = Math.max(0, disaster.getTime() - Date.parse(manifest.startedAt));
  const tiers = manifest.tiers.length > 0 ? manifest.tiers : (['daily'] as const);
  const intervalMs = Math.min(...tiers.map((tier) => INTERVAL_MS[tier]));
  const limitMs = intervalMs + Math.round(manifest.durationMs) + SLACK_MS;
  return { ms, intervalMs, limitMs, judged, withinLimit: ms <= limitMs };
}
