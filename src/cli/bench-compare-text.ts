import { formatP } from '../bench/compare/judge.ts';
import {
  CHANGE_WORDS,
  changePercent,
  comparisonNotes,
  describeChange,
  describePlanChange,
  describeRun,
  OF_BASELINE,
  type OneSidedWords,
  oneSided,
  planChangeLines,
} from '../bench/compare/words.ts';
import type { Change, ComparedPlan, ComparedPoint, Comparison, SideBySide, WayResult } from '../bench/index.ts';
import { WAYS } from '../bench/side-by-side/ways.ts';
import { formatCount, formatDuration } from '../core/units.ts';
import { alignColumns } from './align-columns.ts';
import type { Style } from './output.ts';

/** Both runs, a table for each point, and what makes the comparison less sure. */
export function renderComparison(comparison: Comparison, style: Style): string {
  const { baseline, run, points } = comparison;
  const fromDoubts = comparisonNotes(comparison).length - comparison.doubts.length;
  return [
    `before  ${describeRun(baseline)}\nafter   ${describeRun(run)}`,
    ...points.map((point) => renderComparedPoint(point, OF_BASELINE, style)),
    comparisonNotes(comparison)
      .map((note, at) => (at < fromDoubts ? note : style.yellow(note)))
      .join('\n'),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** The table of one point, then the queries that only one side asked. */
export function renderComparedPoint(point: ComparedPoint, words: OneSidedWords, style: Style): string {
  const [head, ...rows] = alignColumns(
    [
      ['query', 'before', 'after', 'change', 'p', ''],
      ...point.queries.map((query) => [
        query.name,
        formatDuration(query.before.medianMs),
        formatDuration(query.after.medianMs),
        changePercent(query.ratio),
        formatP(query.p),
        CHANGE_WORDS[query.change],
      ]),
    ],
    [1, 2, 3, 4],
  );
  const colours: Partial<Record<Change, (text: string) => string>> = {
    slower: style.red,
    'slightly-slower': style.yellow,
    faster: style.green,
    'slightly-faster': style.green,
    undecided: style.yellow,
  };
  return [
    `Medians at ${point.title}`,
    '',
    style.bold(head!),
    ...rows.map((row, place) => {
      const { change } = point.queries[place]!;
      const word = CHANGE_WORDS[change];
      return word === ''
        ? row
        : `${row.slice(0, -word.length)}${(colours[change] ?? String)(word)}${describeChange(point.queries[place]!).slice(word.length)}`;
    }),
    ...oneSided(point, words).map(({ query, why }) => `${query}: ${why}`),
    ...point.plans.flatMap((plan) => ['', ...renderPlanChange(plan, style)]),
  ].join('\n');
}

/** Both plans in one tree: what only the old one did in red, only the new one in green. */
function renderPlanChange(plan: ComparedPlan, style: Style): string[] {
  const colour = { ' ': String, '-': style.red, '+': style.green };
  return [
    (plan.otherAccess ? style.red : style.yellow)(describePlanChange(plan)),
    ...planChangeLines(plan).map(({ mark, text }) => colour[mark](`${mark} ${text}`)),
  ];
}

/** A table of medians with p95, one of throughput, and what a layer costs. */
export function renderSideBySide({ clients, pgbenchVersion, queries, notes }: SideBySide, style: Style): string {
  // Short, so that a row fits the width of a terminal: each "prepared" belongs to what stands left of it.
  const heads = ['Kysely', 'prepared', 'pg', 'prepared', 'pgbench'];
  const table = (cell: (result: WayResult) => string) =>
    alignColumns(
      [
        ['query', ...heads],
        ...queries.map(({ name, ways }) => [
          name,
          ...WAYS.map((way) => {
            const result = ways[way];
            return result === null ? 'n/a' : cell(result);
          }),
        ]),
      ],
      heads.map((_, place) => place + 1),
    );
  const bold = ([head, ...rows]: string[]) => [style.bold(head!), ...rows];
  const with95 = ({ p50Ms, p95Ms }: WayResult) => `${p50Ms.toFixed(2)}/${p95Ms === null ? 'n/a' : p95Ms.toFixed(2)}`;
  return [
    `Side by side, ${clients} ${clients === 1 ? 'client' : 'clients'}${pgbenchVersion === null ? '' : `, pgbench ${pgbenchVersion}`}: p50/p95 in ms`,
    '',
    ...bold(table(with95)),
    '',
    'Queries per second',
    '',
    ...bold(table(({ perSecond }) => formatCount(Math.round(perSecond)))),
    ...(notes.length === 0 ? [] : ['', ...notes.map((note) => style.yellow(note))]),
  ].join('\n');
}
