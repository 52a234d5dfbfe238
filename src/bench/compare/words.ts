import type { PlanDiffLine } from '../plans/compare-plans.ts';
import type { ComparedPlan } from './changed-access.ts';
import type { Change, ComparedPoint, ComparedQuery, Comparison, RunDifference, RunReference } from './comparison.ts';
import { judgeComparison } from './judge.ts';

/** The words of a comparison: the screen and all reports say the same. */
export const CHANGE_WORDS: Readonly<Record<Change, string>> = Object.freeze({
  slower: 'slower',
  'slightly-slower': 'slightly slower',
  same: '',
  'slightly-faster': 'slightly faster',
  faster: 'faster',
  undecided: 'undecided',
});

/** `2026-11-30 02:15 UTC  commit 1a2b3c4  main.json` */
export function describeRun({ id, at, file, commit }: RunReference): string {
  return [
    at.replace('T', ' ').replace(/:\d\d\.\d+Z$|:\d\dZ$/, ' UTC'),
    commit === null ? '' : `commit ${commit}`,
    file ?? id,
  ]
    .filter((part) => part !== '')
    .join('  ');
}

/** `+12 %`, `−3 %` */
export function changePercent(ratio: number): string {
  const share = Math.round((ratio - 1) * 100);
  return share === 0 ? '0 %' : `${share > 0 ? '+' : '−'}${Math.abs(share)} %`;
}

/** The change of a query, with the reason where there is none to tell. */
export function describeChange({ change, why }: ComparedQuery): string {
  return why === null ? CHANGE_WORDS[change] : `${CHANGE_WORDS[change]}: ${why}`;
}

/** What it came to, in a word or two. */
export const COMPARISON_WORDS: Readonly<Record<Comparison['verdict'], string>> = Object.freeze({
  pass: 'not slower',
  fail: 'slower',
  inconclusive: 'undecided',
});

/** What is told of a query that the new side alone was asked, and of one that only the old side was. */
export interface OneSidedWords {
  readonly added: string;
  readonly removed: string;
}

export const OF_BASELINE: OneSidedWords = Object.freeze({
  added: 'new, not in the baseline',
  removed: 'only in the baseline',
});

/** Queries that one side alone was asked, the new ones first. */
export function oneSided(
  { added, removed }: Pick<ComparedPoint, 'added' | 'removed'>,
  words: OneSidedWords,
): { readonly query: string; readonly why: string }[] {
  return [
    ...added.map((query) => ({ query, why: words.added })),
    ...removed.map((query) => ({ query, why: words.removed })),
  ];
}

/** `trail is answered by another plan` */
export function describePlanChange({ query, otherAccess }: ComparedPlan): string {
  return `${query} is answered by ${otherAccess ? 'another plan' : 'the same indexes in another way'}`;
}

/** Both plans in one tree, then the settings that are not what they were. */
export function planChangeLines({ lines, settings }: ComparedPlan): PlanDiffLine[] {
  return [
    ...lines,
    ...settings.map(({ name, before, after }) => ({
      mark: ' ' as const,
      text: `${name}: ${after ?? 'default'}, before ${before ?? 'default'}`,
    })),
  ];
}

/** The same as text: the sign at the begin of a line says whose it is. */
export function planChangeText(plan: ComparedPlan): string[] {
  return planChangeLines(plan).map(({ mark, text }) => `${mark} ${text}`);
}

/** `processor: Intel Xeon, before AMD EPYC` */
export function describeDifference({ what, before, after }: RunDifference): string {
  return `${what}: ${after}, before ${before}`;
}

/** What a comparison came to, in a sentence. */
export function comparisonSentence(comparison: Pick<Comparison, 'points' | 'verdict'>): string {
  const queries = comparison.points.flatMap((point) => point.queries);
  return judgeComparison(comparison)?.message ?? `None of ${queries.length} queries is slower than before.`;
}

/** What else is to be known: points that only one run has, and what makes the comparison less sure. */
export function comparisonNotes({ pointsAdded, pointsRemoved, doubts }: Comparison): string[] {
  return [
    ...pointsAdded.map((point) => `New, not in the baseline: ${point}`),
    ...pointsRemoved.map((point) => `Only in the baseline: ${point}`),
    ...doubts,
  ];
}
