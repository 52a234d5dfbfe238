import { formatDuration } from '../../core/units.ts';
import type { JUnitCase, JUnitSuite } from '../../report/junit.ts';
import type { ComparedPoint } from '../compare/comparison.ts';
import { formatP } from '../compare/judge.ts';
import { changePercent, describeChange, planChangeText } from '../compare/words.ts';
import type { BenchResult } from '../result.ts';
import { outcome } from './junit-outcome.ts';
import type { Compared } from './report.ts';

/** The run against its baseline: a suite per point. */
export function comparisonSuites(compared: Compared, { suite, at }: BenchResult): JUnitSuite[] {
  const of = (title: string, cases: readonly JUnitCase[]): JUnitSuite => ({
    name: `${suite.name}: compared with the baseline${title}`,
    className: `${suite.name}.comparison`,
    at,
    seconds: 0,
    cases,
  });
  if ('refused' in compared) return [of('', [{ name: 'comparison', seconds: 0, error: compared.refused }])];
  return compared.points.map((point) => of(`, ${point.title}`, comparedCases(point)));
}

/** A case per query, which fails where it is slower, and one per changed plan, which fails where it reads by other indexes. */
export function comparedCases({ queries, plans }: ComparedPoint): JUnitCase[] {
  return [
    ...queries.map((query) => {
      const { name, before, after, ratio, p, change } = query;
      const medians = `${formatDuration(after.medianMs)}, before ${formatDuration(before.medianMs)}`;
      const said = `${medians} (${changePercent(ratio)}, p ${formatP(p)}): ${describeChange(query) || 'the same'}`;
      const verdict = change === 'slower' ? 'fail' : change === 'undecided' ? 'inconclusive' : 'pass';
      return { name, seconds: after.medianMs / 1000, ...outcome(verdict, said), output: [said] };
    }),
    ...plans.map((plan) => ({
      name: `plan of ${plan.query}`,
      seconds: 0,
      ...outcome(plan.otherAccess ? 'fail' : 'pass', 'It is answered by another plan.'),
      ...(plan.otherAccess ? { details: planChangeText(plan) } : { output: planChangeText(plan) }),
    })),
  ];
}
