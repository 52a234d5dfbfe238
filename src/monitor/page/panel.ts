import type { TimePoint } from '../../report/time-series.ts';
import type { History } from './history.ts';
import { type Mark, signOf, time } from './markup.ts';

/** One of the pictures of a database, with its figures. */
export type Panel = (history: History, name: string) => string;

/** In place of a picture. */
export const NOTHING = '<p class="empty">Nothing was read so far.</p>';

export function panelOf(title: string, content: string): string {
  return `<div class="panel"><h3>${title}</h3>${content}</div>`;
}

/** What was read last; of a server that went away since, when that was. */
export function nowLine({ endedAt }: History, value: string, mark: string): string {
  const told = endedAt === null ? mark : `<span class="quiet">at ${time(endedAt)}</span>`;
  return `<p class="now"><strong>${value}</strong>${told}</p>`;
}

/** One value now and then is below its objective; whether a promise is broken is told above. */
export function judged(holds: boolean, text: string): string {
  const mark: Pick<Mark, 'sign' | 'tone'> = holds ? { sign: '✓', tone: 'good' } : { sign: '!', tone: 'open' };
  return `<span class="judged ${mark.tone}">${signOf(mark)} ${text}</span>`;
}

export interface ValueRange {
  readonly min: number;
  readonly max: number;
  readonly now: number;
}

/** The last value that is known is what is told as of now. */
export function knownOf(points: readonly TimePoint[]): ValueRange | undefined {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let now: number | undefined;
  for (const { value } of points) {
    if (value === null) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
    now = value;
  }
  return now === undefined ? undefined : { min, max, now };
}
