import type { Change, ComparedQuery, Comparison, RunReference } from './comparison.ts';
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

/** What a comparison came to, in a sentence. */
export function comparisonSentence(comparison: Comparison): string {
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
