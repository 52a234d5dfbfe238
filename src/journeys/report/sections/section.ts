import type { Fact } from '../../../monitor/facts/fact.ts';
import type { PromiseState } from '../../../monitor/promise.ts';

/** `open`: it is not known, or not proven; `none`: there is nothing to judge. */
export type Tone = 'good' | 'bad' | 'open' | 'none';

/** How a promise looks. */
export const PROMISE_TONES: Readonly<Record<PromiseState, Tone>> = Object.freeze({
  kept: 'good',
  broken: 'bad',
  unknown: 'open',
  none: 'none',
});

/** A cell; numbers stand to the right, names that somebody chose are shown to the letter. */
export type Cell = string | { readonly number: string } | { readonly code: string } | { readonly tone: Tone };

export interface SectionTable {
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** One area of the evidence in plain text: what the screen, the page and Markdown say alike. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly tone: Tone;
  /** One sentence. */
  readonly summary: string;
  /** What could not be read, a line each. */
  readonly unread: readonly string[];
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly tables: readonly SectionTable[];
}

/** A section whose facts could be read is made of them; one whose facts could not says why. */
export function sectionOf(
  id: string,
  title: string,
  facts: readonly Fact<unknown>[],
  make: () => Pick<Section, 'tone' | 'summary'> & Partial<Pick<Section, 'facts' | 'tables'>>,
): Section {
  const unread = facts.flatMap((fact) =>
    fact.ok ? [] : [fact.hint === null ? fact.error : `${fact.error} ${fact.hint}`],
  );
  const none = { id, title, unread: [...new Set(unread)], facts: [], tables: [] };
  if (facts.length > 0 && facts.every(({ ok }) => !ok))
    return { ...none, tone: 'open', summary: 'It could not be read.' };
  const made = make();
  const isDoubted = unread.length > 0 && made.tone === 'good';
  return { ...none, ...made, tone: isDoubted ? 'open' : made.tone };
}

/** The value of a fact, or what stands in for it where it could not be read. */
export function known<T, Other>(fact: Fact<T>, other: Other): T | Other {
  return fact.ok ? fact.value : other;
}

/** The first characters of a hash: enough to tell two apart. */
export function shortHash(hash: string | null): Cell {
  return hash === null ? 'none' : { code: hash.slice(0, 12) };
}

/** `2026-11-30 02:15`, UTC: for tables, whose head says so. */
export function minute(at: string): string {
  return at.slice(0, 16).replace('T', ' ');
}
