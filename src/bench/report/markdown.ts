import { formatCount, formatDuration } from '../../core/units.ts';
import { code, folded, plain, table } from '../../report/markdown.ts';
import { instant } from '../../report/page.ts';
import { describeLoop } from '../judge/describe-loop.ts';
import { describeMissed } from '../plans/missed-index.ts';
import { renderPlan } from '../plans/plan-text.ts';
import { counted, pointName } from '../point-name.ts';
import type { Point, QueryResult } from '../result.ts';
import type { SideBySide } from '../side-by-side/side-by-side.ts';
import { WAYS } from '../side-by-side/ways.ts';
import { comparisonSections } from './markdown-comparison.ts';
import { environmentFold, fenced, fitted, type Section, SIGNS } from './markdown-sections.ts';
import type { BenchReport } from './report.ts';
import { WAY_WORDS } from './side-by-side-words.ts';
import {
  CLASS_WORDS,
  factor,
  type GrowthWords,
  growthWords,
  headline,
  interval,
  latency,
  percent,
  RATE_WORDS,
  rate,
  slowestInServer,
  tableScan,
  targetGroups,
  VERDICT_WORDS,
} from './words.ts';

/** The result for a pull request: the verdict in the first line, then a table, the rest folded. */
export function toMarkdown({ result, comparison }: BenchReport): string {
  const said = headline(result);
  const head = [
    `### ${SIGNS[said.verdict]} Benchmark ${code(result.suite.name)}: ${plain(said.sentence)}`,
    '',
    `PostgreSQL ${plain(result.server)} · ${result.points.map((point) => plain(pointName(point))).join(' · ')} · ${instant(result.at)} · run ${code(result.id)}`,
    ...doubtLines(result.points),
  ].join('\n');
  const open = said.lines.length === 0 ? '' : said.lines.map((line) => `- ${plain(line)}`).join('\n');
  const sections: readonly Section[] = [
    ['what is open', open],
    ...(comparison ? comparisonSections(comparison) : []),
    ...result.points.flatMap((point) => pointSections(point, result.points.length > 1)),
    ...growthWords(result.growth).map((words): Section => [words.title, folded(words.title, growthTable(words))]),
    ...result.points.flatMap((point) => missedPlans(point, result.points.length > 1)),
    ...(result.sideBySide ? [sideBySideText(result.sideBySide)] : []),
    environmentFold(result.environment),
  ];
  return fitted(head, sections);
}

function pointSections(point: Point, several: boolean): Section[] {
  const name = pointName(point);
  return [
    [`the classes at ${name}`, `${several ? `#### ${plain(name)}\n\n` : ''}${classTable(point)}`],
    [
      `the queries at ${name}`,
      folded(
        `All ${formatCount(point.queries.length)} queries${several ? ` at ${name}` : ''}`,
        queryTable(point.queries),
      ),
    ],
    [
      `hit rates and connections at ${name}`,
      folded(
        `Hit rates and connections${several ? ` at ${name}` : ''}`,
        [resourceTable(point), accessList(point), plain(describeLoop(point))]
          .filter((text) => text !== '')
          .join('\n\n'),
      ),
    ],
  ];
}

function classTable({ classes, queries }: Point): string {
  return table(
    ['', 'class', 'slowest query', 'p95', '95 % interval', 'target'],
    classes.map((each) => {
      const slowest = queries.find(({ name }) => name === each.slowest);
      return [
        `${SIGNS[each.verdict]} ${VERDICT_WORDS[each.verdict]}`,
        CLASS_WORDS[each.class],
        slowest ? code(slowest.name) : 'n/a',
        latency(slowest?.p95 ?? null),
        slowest?.p95 ? interval(slowest.p95) : 'n/a',
        `< ${formatDuration(slowest?.targetMs ?? each.targetMs)}`,
      ];
    }),
    [3, 4, 5],
  );
}

function queryTable(queries: readonly QueryResult[]): string {
  return table(
    ['', 'query', 'class', 'p50', 'p95', '95 % interval', 'p99', 'samples', 'target'],
    targetGroups(queries).flatMap((group) =>
      group.queries.map((query) => [
        `${SIGNS[query.verdict]} ${VERDICT_WORDS[query.verdict]}`,
        code(query.name),
        query.class,
        latency(query.p50),
        latency(query.p95),
        query.p95 ? interval(query.p95) : 'n/a',
        latency(query.p99),
        formatCount(query.samples),
        `< ${formatDuration(query.targetMs)}`,
      ]),
    ),
    [3, 4, 5, 6, 7, 8],
  );
}

function resourceTable({ queries, rates, counters, connections, throughput }: Point): string {
  return table(
    ['', 'measured', 'value', 'target'],
    [
      ...rates.map(({ name, value, target, verdict }) => [
        `${SIGNS[verdict]} ${VERDICT_WORDS[verdict]}`,
        RATE_WORDS[name],
        percent(value),
        `≥ ${percent(target)}`,
      ]),
      ['', 'index usage, of all scans', percent(counters.indexUsage), 'not judged'],
      ...throughput.map((each) => ['', `answers, ${each.class}`, rate(each.perSecond), 'not judged']),
      ...slowestInServer(queries).map((each) => [
        '',
        `in the server, ${each.class}`,
        `${formatDuration(each.serverMs)} (${code(each.name)})`,
        'not judged',
      ]),
      ...connections.map(({ pool, sessions, slots, utilisation, target, verdict }) => [
        `${SIGNS[verdict]} ${VERDICT_WORDS[verdict]}`,
        `connections, pool of ${pool}`,
        `${percent(utilisation)} (${sessions} of ${slots})`,
        `< ${percent(target)}`,
      ]),
    ],
    [2, 3],
  );
}

/** Large tables read whole and indexes that nobody used: told, not judged. */
function accessList({ access }: Point): string {
  if (access === null) return '';
  return [
    ...access.tableScans.map((scan) => `- Read whole: ${plain(tableScan(scan))}`),
    ...access.unusedIndexes
      .filter(({ unique }) => !unique)
      .map(({ name, table }) => `- Used by no query: ${code(name)} on ${code(table)}`),
  ].join('\n');
}

function growthTable({ growths, along, measure, note }: GrowthWords): string {
  const rows = table(
    ['', measure === 'slower' ? 'query' : 'class', 'from and to', `${measure} (95 % interval)`, 'exponent', 'target'],
    growths.map((growth) => [
      growth.verdict === null ? '' : `${SIGNS[growth.verdict]} ${VERDICT_WORDS[growth.verdict]}`,
      code(growth.name),
      along(growth),
      factor(growth.ratio),
      factor(growth.exponent, ''),
      growth.target === null ? 'not judged' : `≤ ${growth.target.toFixed(2)} ×`,
    ]),
    [3, 4, 5],
  );
  return note === '' ? rows : `${rows}\n\n${note}`;
}

function sideBySideText({ clients, pgbenchVersion, queries, notes }: SideBySide): Section {
  const rows = queries.map(({ name, ways }) => [
    code(name),
    ...WAYS.map((way) => {
      const found = ways[way];
      return found === null ? 'n/a' : formatDuration(found.p50Ms);
    }),
  ]);
  const title = `Side by side: medians, ${counted(clients, 'client')}${pgbenchVersion === null ? '' : `, pgbench ${pgbenchVersion}`}`;
  const text = table(
    ['query', ...WAYS.map((way) => WAY_WORDS[way])],
    rows,
    WAYS.map((_, place) => place + 1),
  );
  return ['side by side', folded(title, [text, ...notes.map((note) => `> ${plain(note)}`)].join('\n\n'))];
}

/** The plans of queries that their index does not serve. */
function missedPlans(point: Point, several: boolean): Section[] {
  return point.plans
    .filter(({ verdict }) => verdict !== 'pass')
    .map((plan) => {
      const summary = `${plan.query}${several ? ` at ${pointName(point)}` : ''} ${describeMissed(plan)}`;
      return [`the plan of ${plan.query}`, folded(summary, fenced(plan.variants.flatMap(renderPlan).join('\n')))];
    });
}

function doubtLines(points: readonly Point[]): string[] {
  const doubts = points.flatMap((point) =>
    point.doubts.map(
      ({ message }) => `> ⚠️ ${points.length > 1 ? `${plain(pointName(point))}: ` : ''}${plain(message)}`,
    ),
  );
  return doubts.length === 0 ? [] : ['', doubts.join('\n>\n')];
}
