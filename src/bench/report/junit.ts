import { type JUnitCase, type JUnitSuite, junitDocument } from '../../report/junit.ts';
import { describeLoop } from '../judge/describe-loop.ts';
import { describeMissed } from '../plans/missed-index.ts';
import { renderPlan } from '../plans/plan-text.ts';
import { counted, pointName } from '../point-name.ts';
import type { BenchResult, Point } from '../result.ts';
import type { SideBySide } from '../side-by-side/side-by-side.ts';
import { WAYS } from '../side-by-side/ways.ts';
import { comparisonSuites } from './junit-comparison.ts';
import { outcome } from './junit-outcome.ts';
import type { BenchReport } from './report.ts';
import { inOneLine, WAY_WORDS } from './side-by-side-words.ts';
import { factor, growthWords, headline, inWords, percent, RATE_WORDS } from './words.ts';

/**
 * The result in the form that CI servers read: a suite per point, a case per target. The time of a query is its p95, so
 * that the trend of a CI server is one of latency. What could not be decided is an error, not a failure.
 */
export function toJUnit({ result, comparison }: BenchReport): string {
  const suites = result.points.map((point) => pointSuite(point, result.suite.name, result.at, result.server));
  for (const { title, growths, along } of growthWords(result.growth)) {
    const judged = growths.flatMap((growth) => {
      const { name, ratio, target, verdict } = growth;
      if (verdict === null || target === null) return [];
      const said = `${factor(ratio)} slower, target at most ${target.toFixed(2)} ×`;
      return [{ name: `${name}: ${along(growth)}`, seconds: 0, ...outcome(verdict, said), output: [said] }];
    });
    if (judged.length === 0) continue;
    const own = `${result.suite.name}: ${title.toLowerCase()}`;
    suites.push({ name: own, className: `${result.suite.name}.growth`, at: result.at, seconds: 0, cases: judged });
  }
  if (comparison) suites.push(...comparisonSuites(comparison, result));
  if (result.sideBySide) suites.push(sideBySideSuite(result.sideBySide, result));
  const ended = headline(result);
  const run: JUnitCase[] = result.complete
    ? []
    : [{ name: 'run to the end', seconds: 0, error: ended.sentence, details: ended.lines }];
  // What no single case says must not look like success.
  const open = suites.every(({ cases }) =>
    cases.every(({ failure, error }) => failure === undefined && error === undefined),
  );
  if (run.length === 0 && open && result.verdict !== 'pass') {
    run.push({ name: 'verdict', seconds: 0, ...outcome(result.verdict, ended.sentence), details: ended.lines });
  }
  const whole: JUnitSuite = {
    name: `${result.suite.name}: the run`,
    className: result.suite.name,
    at: result.at,
    seconds: result.durationMs / 1000,
    cases: run,
  };
  return junitDocument(`structdb bench ${result.suite.name}`, run.length > 0 ? [...suites, whole] : suites);
}

/** What to write when nothing came of a benchmark: what reads it must not take a missing file for a good one. */
export function failureToJUnit(
  error: { readonly message: string; readonly details: readonly string[] },
  at: Date,
): string {
  return junitDocument('structdb bench', [
    {
      name: 'the run',
      className: 'bench',
      at: at.toISOString(),
      seconds: 0,
      cases: [{ name: 'run to the end', seconds: 0, error: error.message, details: error.details }],
    },
  ]);
}

function pointSuite(point: Point, suite: string, at: string, server: string): JUnitSuite {
  const { queries, rates, connections, data, clients } = point;
  const cases: JUnitCase[] = [
    ...queries.map((query) => ({
      name: `${query.class}: ${query.name}`,
      seconds: (query.p95?.value ?? query.max) / 1000,
      ...outcome(query.verdict, inWords(query)),
      details: [query.asks],
      output: [inWords(query)],
    })),
    ...rates.map(({ name, value, target, verdict }) => ({
      name: RATE_WORDS[name],
      seconds: 0,
      ...outcome(verdict, `${percent(value)}, target at least ${percent(target)}`),
      output: [`${percent(value)}, target at least ${percent(target)}`],
    })),
    ...connections.map(({ pool, sessions, slots, utilisation, target, verdict }) => {
      const said = `${percent(utilisation)} (${sessions} of ${slots}), target below ${percent(target)}`;
      return { name: `connections, pool of ${pool}`, seconds: 0, ...outcome(verdict, said), output: [said] };
    }),
    ...point.plans
      .filter(({ index }) => index !== null)
      .map((plan) => ({
        name: `plan of ${plan.query}`,
        seconds: 0,
        ...outcome(plan.verdict, describeMissed(plan)),
        details: plan.variants.flatMap(renderPlan),
      })),
  ];
  return {
    name: `${suite}: ${pointName(point)}`,
    className: `${suite}.${data.projects}-projects.${clients}-clients`,
    at,
    seconds: cases.reduce((sum, { seconds }) => sum + seconds, 0),
    cases,
    properties: [
      ['postgresql', server],
      ['projects', String(data.projects)],
      ['clients', String(clients)],
      ['seed', String(data.seed)],
      ['load', describeLoop(point)],
      ...point.doubts.map(({ kind, message }) => [`doubt: ${kind}`, message] as const),
    ],
  };
}

/** Medians of each way as times; nothing of it is judged. */
function sideBySideSuite({ queries, clients, notes }: SideBySide, { suite, at }: BenchResult): JUnitSuite {
  return {
    name: `${suite.name}: side by side, ${counted(clients, 'client')}`,
    className: `${suite.name}.side-by-side`,
    at,
    seconds: 0,
    cases: queries.flatMap(({ name, ways }) =>
      WAYS.map((way): JUnitCase => {
        const found = ways[way];
        const own = `${name}: ${WAY_WORDS[way]}`;
        if (found === null)
          return { name: own, seconds: 0, skipped: notes.join(' ') || 'It could not be asked this way.' };
        return { name: own, seconds: found.p50Ms / 1000, output: [inOneLine(found)] };
      }),
    ),
  };
}
