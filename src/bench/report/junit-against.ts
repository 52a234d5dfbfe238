import { type JUnitCase, junitDocument } from '../../report/junit.ts';
import type { AgainstResult } from '../against/result.ts';
import { againstTitle, describeSide, describeTiming, oneSidedWords } from '../against/words.ts';
import { comparisonSentence, describeDifference, oneSided } from '../compare/words.ts';
import { comparedCases } from './junit-comparison.ts';
import { outcome } from './junit-outcome.ts';

/**
 * Two sides that were timed in turns in the form that CI servers read: a case per query, whose time is its median as it is
 * now, and one per changed plan. What only one side can answer is skipped, with the reason.
 */
export function againstToJUnit(result: AgainstResult): string {
  const { points, before, after, suite, at, durationMs, differences, notes, verdict } = result;
  const [point] = points;
  const cases: JUnitCase[] = [
    ...comparedCases(point),
    ...oneSided(point, oneSidedWords(result)).map(({ query, why }) => ({ name: query, seconds: 0, skipped: why })),
  ];
  // What no single case says must not look like success.
  if (verdict !== 'pass' && cases.every(({ failure, error }) => failure === undefined && error === undefined))
    cases.push({ name: 'verdict', seconds: 0, ...outcome(verdict, comparisonSentence(result)) });
  return junitDocument(`structdb bench ${againstTitle(result)}`, [
    {
      name: `${suite}: ${point.title}`,
      className: `${suite}.against`,
      at,
      seconds: durationMs / 1000,
      cases,
      properties: [
        ['before', describeSide(before)],
        ['after', describeSide(after)],
        ...(['before', 'after'] as const).flatMap((place) => {
          const { commit } = result[place];
          return commit === null ? [] : [[`commit ${place}`, commit] as const];
        }),
        ['timing', describeTiming(result)],
        ...differences.map((each) => ['difference', describeDifference(each)] as const),
        ...notes.map((note) => ['note', note] as const),
      ],
    },
  ]);
}
