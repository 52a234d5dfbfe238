import { escapeXml } from '../../report/escape.ts';
import { instant } from '../../report/page.ts';
import type { PromiseState } from '../promise.ts';

export interface Mark {
  readonly sign: string;
  readonly word: string;
  /** The class that gives the colour. */
  readonly tone: 'good' | 'bad' | 'open' | 'quiet';
}

/** A state as sign, word and colour: no page is read by its colours alone. */
export const MARKS: Readonly<Record<PromiseState, Mark>> = Object.freeze({
  kept: { sign: '✓', word: 'Kept', tone: 'good' },
  broken: { sign: '✗', word: 'Broken', tone: 'bad' },
  unknown: { sign: '?', word: 'Unknown', tone: 'open' },
  none: { sign: '–', word: 'Not set up', tone: 'quiet' },
});

/** A sign for the eye; the word beside it is for all. */
export function signOf({ sign, tone }: Pick<Mark, 'sign' | 'tone'>): string {
  return `<span class="sign ${tone}" aria-hidden="true">${sign}</span>`;
}

/** An instant in UTC, which the script tells in the reader's time zone. */
export function time(at: Date): string {
  return `<time datetime="${at.toISOString()}">${instant(at.toISOString())}</time>`;
}

/** Below a picture: the time of the day, with the day where the picture shows more than one. */
export function shortTime(at: Date, withDay: boolean): string {
  const iso = at.toISOString();
  const short = withDay ? iso.slice(0, 16).replace('T', ' ') : iso.slice(11, 16);
  return `<time datetime="${iso}" data-form="${withDay ? 'day' : 'clock'}" title="${instant(iso)}">${short}</time>`;
}

/** As `formatInstant` and reports write them, with the same by another clock behind it. */
const INSTANT =
  /\b(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(?: UTC|Z)\b(?: \((?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d{3} [+-]\d\d:\d\d\))?/g;

/** As promises write them: `3 Nov 02:00 UTC`, with the year where it is another one. */
const SHORT_INSTANT = /\b(\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec))( \d{4})? (\d\d:\d\d) UTC\b/g;

/** Text in which instants are what `time` gives, so that messages are read in the reader's time zone too. */
export function withTimes(text: string, now: Date): string {
  const year = ` ${now.getUTCFullYear()}`;
  return escapeXml(text)
    .replace(INSTANT, (whole, date: string, clock: string) => told(new Date(`${date}T${clock}Z`), whole, ''))
    .replace(SHORT_INSTANT, (whole, day: string, another: string | undefined, clock: string) =>
      told(new Date(`${day}${another ?? year} ${clock} UTC`), whole, ' data-form="day"'),
    );
}

function told(at: Date, text: string, form: string): string {
  return Number.isNaN(at.getTime()) ? text : `<time datetime="${at.toISOString()}"${form}>${text}</time>`;
}

/** An id for an element, from text that is unique by itself. */
export function idOf(kind: string, text: string): string {
  return `${kind}-${text.replace(/[^\w.-]/g, '_')}`;
}
