import { formatCount, formatDuration } from '../../core/units.ts';
import { code, folded, plain, table } from '../../report/markdown.ts';
import type { ComparedPoint, ComparedQuery } from '../compare/comparison.ts';
import { formatP } from '../compare/judge.ts';
import {
  changePercent,
  comparisonNotes,
  comparisonSentence,
  describeChange,
  describePlanChange,
  describeRun,
  OF_BASELINE,
  type OneSidedWords,
  oneSided,
  planChangeText,
} from '../compare/words.ts';
import { fenced, type Section, SIGNS } from './markdown-sections.ts';
import type { Compared } from './report.ts';

/** The run against its baseline, the verdict first. */
export function comparisonSections(compared: Compared): Section[] {
  if ('refused' in compared) return [['the comparison', `> ⚠️ ${plain(compared.refused)}`]];
  const { baseline, run, points, verdict } = compared;
  const head = [
    `#### ${SIGNS[verdict]} Compared with the baseline: ${plain(comparisonSentence(compared))}`,
    `Before ${code(describeRun(baseline))}, after ${code(describeRun(run))}`,
    ...comparisonNotes(compared).map((note) => `> ⚠️ ${plain(note)}`),
  ];
  return [
    ['the comparison', head.join('\n\n')],
    ...points.flatMap((point) => comparedTables(point, OF_BASELINE)),
    ...points.flatMap(changedPlans),
  ];
}

/** What moved stands open, all queries are folded. */
export function comparedTables(point: ComparedPoint, words: OneSidedWords): Section[] {
  const { title, queries } = point;
  const moved = queries.filter(({ change }) => change !== 'same');
  const name = `All ${formatCount(queries.length)} medians at ${title}`;
  return [
    [`what moved at ${title}`, moved.length === 0 ? '' : comparedTable(moved)],
    [`all medians at ${title}`, folded(name, comparedTable(queries))],
    [
      `queries of one side at ${title}`,
      oneSided(point, words)
        .map(({ query, why }) => `- ${code(query)}: ${plain(why)}`)
        .join('\n'),
    ],
  ];
}

/** Both plans of each query that is answered in another way. */
export function changedPlans({ title, plans }: ComparedPoint): Section[] {
  return plans.map((plan) => [
    `the changed plan of ${plan.query} at ${title}`,
    folded(describePlanChange(plan), fenced(planChangeText(plan).join('\n'))),
  ]);
}

function comparedTable(queries: readonly ComparedQuery[]): string {
  return table(
    ['query', 'before', 'after', 'change', 'p', ''],
    queries.map((query) => [
      code(query.name),
      formatDuration(query.before.medianMs),
      formatDuration(query.after.medianMs),
      changePercent(query.ratio),
      plain(formatP(query.p)),
      plain(describeChange(query)),
    ]),
    [1, 2, 3, 4],
  );
}
