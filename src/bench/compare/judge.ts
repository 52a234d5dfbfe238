import { StructdbError } from '../../core/errors.ts';
import { formatDuration } from '../../core/units.ts';
import type { ComparedQuery, Comparison } from './comparison.ts';

/** What to do about a query that is slower, and about one that could not be decided. */
export interface ComparisonHints {
  readonly fail: string;
  readonly inconclusive: string;
}

const HINTS: ComparisonHints = Object.freeze({
  fail: 'Look at what changed since the baseline: schema, indexes, queries, settings. What is meant becomes the new baseline: --save-baseline.',
  inconclusive:
    'Run it again with more samples on a quiet machine, or time both sides in one run: structdb bench --against <git ref or URL>',
});

/** What a comparison ends with: nothing when no query is slower. */
export function judgeComparison(
  { points, verdict }: Pick<Comparison, 'points' | 'verdict'>,
  hints: ComparisonHints = HINTS,
): StructdbError | undefined {
  if (verdict === 'pass') return undefined;
  const queries = points.flatMap((point) => point.queries);
  if (verdict === 'fail') {
    const slower = queries.filter(({ change }) => change === 'slower');
    const plans = points.flatMap((point) => point.plans.filter(({ otherAccess }) => otherAccess));
    const told = [
      ...(slower.length > 0 ? [`${counted(slower.length)} slower than before.`] : []),
      ...(plans.length > 0 ? [`${counted(plans.length)} answered by another plan.`] : []),
    ];
    return new StructdbError('BENCH_REGRESSION', told.join(' '), {
      details: [
        ...slower.map(describeSlower),
        ...plans.map(
          ({ query, turns }) => `${query}: another plan${turns.length > 1 ? `, in ${turns.length} turns` : ''}`,
        ),
      ],
      hint: hints.fail,
    });
  }
  const open = queries.filter(({ change }) => change === 'undecided');
  return new StructdbError('BENCH_INCONCLUSIVE', `${counted(open.length, 'could not be compared')}.`, {
    details: open.map(({ name, why }) => `${name}: ${why}`),
    hint: hints.inconclusive,
  });
}

/** Two verdicts of one run as one: a broken promise comes before one that is open. */
export function worseOf(a: StructdbError | undefined, b: StructdbError | undefined): StructdbError | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const [first, second] = a.code !== 'BENCH_INCONCLUSIVE' || b.code === 'BENCH_INCONCLUSIVE' ? [a, b] : [b, a];
  return new StructdbError(first.code, `${first.message} ${second.message}`, {
    details: [...first.details, ...second.details],
    ...(first.hint === undefined ? {} : { hint: first.hint }),
  });
}

function describeSlower({ name, before, after, ratio, p }: ComparedQuery): string {
  return `${name}: ${formatDuration(after.medianMs)}, before ${formatDuration(before.medianMs)} (+${Math.round((ratio - 1) * 100)} %, p ${formatP(p)})`;
}

/** `0.012`, `< 0.0001` */
export function formatP(p: number): string {
  return p < 0.0001 ? '< 0.0001' : p.toFixed(p < 0.01 ? 4 : 3);
}

function counted(count: number, what?: string): string {
  if (what !== undefined) return `${count} ${count === 1 ? 'query' : 'queries'} ${what}`;
  return count === 1 ? '1 query is' : `${count} queries are`;
}
