import type { BenchResult, Point, QueryResult, Verdict } from '../bench/index.ts';
import { tooFew } from '../bench/judge/assess.ts';
import { describeLoop } from '../bench/judge/describe-loop.ts';
import { pointName } from '../bench/point-name.ts';
import {
  CLASS_WORDS,
  factor,
  growthWords,
  headline,
  interval,
  latency,
  percent,
  RATE_WORDS,
  slowestInServer,
  targetGroups,
  VERDICT_WORDS,
} from '../bench/report/words.ts';
import { formatCount, formatDuration } from '../core/units.ts';
import { renderFindings } from './bench-findings-text.ts';
import type { Style } from './output.ts';

/** What a terminal has at least. */
const COLUMNS = 80;
/** Eighty columns: name, three percentiles, bar, verdict. A longer name has a line of its own. */
const NAME_WIDTH = 28;
/** Cells of a bar up to the target, and the cells beyond it. */
const BAR = { target: 10, beyond: 3 } as const;
/** More points than these are shown as one table of their p95. */
const MOST_TABLES = 2;
/** Points side by side in that table. */
const POINTS_ACROSS = 5;

/** The run for people: a table per point, or one of all points; what was missed or is undecided with its interval. */
export function renderBench(result: BenchResult, style: Style): string {
  const { points } = result;
  const said = headline(result);
  return [
    `${mark(said.verdict, style, said.word.toLowerCase())}: benchmark ${result.suite.name}, PostgreSQL ${result.server}`,
    '',
    ...(points.length > MOST_TABLES ? overview(points, style) : points.flatMap((point) => pointTable(point, style))),
    ...(points.length > MOST_TABLES
      ? resourceOverview(points, style)
      : points.flatMap((point) => resources(point, points.length > 1, style))),
    ...growthLines(result, style),
    ...points.flatMap((point) => findings(point, points.length > 1, style)),
    ...(points.some(({ doubts }) => doubts.length > 0) ? [''] : []),
    ...points.flatMap((point) =>
      point.doubts.flatMap(({ message }) => {
        const [first, ...more] = wrapped(`${points.length > 1 ? `${pointName(point)}: ` : ''}${message}`, COLUMNS - 2);
        return [`${style.yellow('!')} ${first}`, ...more.map((line) => `  ${line}`)];
      }),
    ),
  ]
    .join('\n')
    .trimEnd();
}

function pointTable(point: Point, style: Style): string[] {
  const width = Math.min(NAME_WIDTH, Math.max(...point.queries.map(({ name }) => name.length)));
  const head = `${pointName(point).padEnd(width)} ${'p50'.padStart(8)}${'p95'.padStart(8)}${'p99'.padStart(8)}`;
  return [
    style.bold(head),
    ...targetGroups(point.queries).flatMap((group) => [
      style.dim(`${CLASS_WORDS[group.class]}, p95 below ${formatDuration(group.targetMs)}`),
      ...group.queries.flatMap((query) => queryLines(query, width, style)),
    ]),
    style.dim('█ up to p50  ▒ up to p95  ░ its 95 % interval  │ target'),
    ...wrapped(describeLoop(point)).map((line) => style.dim(line)),
    '',
  ];
}

function queryLines(query: QueryResult, width: number, style: Style): string[] {
  const { name, p50, p95, p99, verdict, samples, targetMs } = query;
  const figures = [p50, p95, p99].map((each) => latency(each).padStart(8)).join('');
  const line = ` ${figures}  ${bar(query, style)} ${mark(verdict, style)}`;
  const lines = name.length > width ? [name, `${' '.repeat(width)}${line}`] : [`${name.padEnd(width)}${line}`];
  if (verdict !== 'pass') {
    const why = p95
      ? `p95 between ${interval(p95).replace(' to ', ' and ')}, target below ${formatDuration(targetMs)}`
      : tooFew(samples);
    lines.push(`  ${style.dim(why)}`);
  }
  return lines;
}

/** Linear from 0, the target always at the same place; what lies further out than the bar ends in an arrow. */
function bar({ p50, p95, targetMs, verdict }: QueryResult, style: Style): string {
  const cells = BAR.target + BAR.beyond;
  const reach = (ms: number | undefined) => ((ms ?? 0) / targetMs) * BAR.target;
  const [middle, low, high] = [reach(p50?.value), reach(p95?.low), reach(p95?.high)];
  let drawn = '';
  for (let cell = 0; cell < cells; cell += 1) {
    if (cell < middle) drawn += '█';
    else if (cell < low) drawn += '▒';
    else if (cell < high) drawn += '░';
    else drawn += cell < BAR.target ? '·' : ' ';
  }
  const end = Math.max(middle, high) > cells ? `${drawn.slice(0, -1)}▶` : drawn;
  const [within, beyond] = [end.slice(0, BAR.target), end.slice(BAR.target)];
  return `${colour(verdict, style)(within)}│${colour(verdict, style)(beyond)}`;
}

/** p95 of every query at every point, with a sign for what was not met. */
function overview(points: readonly Point[], style: Style): string[] {
  const [first] = points;
  const lines: string[] = [];
  for (let from = 0; from < points.length; from += POINTS_ACROSS) {
    const shown = points.slice(from, from + POINTS_ACROSS);
    const cell = (texts: readonly string[]) => texts.map((text) => text.padStart(10)).join('');
    lines.push(
      style.bold(`${'p95 at projects'.padEnd(NAME_WIDTH)}${cell(shown.map(({ data }) => formatCount(data.projects)))}`),
      style.bold(`${'       clients'.padEnd(NAME_WIDTH)}${cell(shown.map(({ clients }) => String(clients)))}`),
    );
    for (const group of targetGroups(first!.queries)) {
      lines.push(style.dim(`${CLASS_WORDS[group.class]}, p95 below ${formatDuration(group.targetMs)}`));
      for (const { name } of group.queries) {
        const found = shown.map(({ queries }) => queries.find((query) => query.name === name));
        const figures = found.map((query) => {
          const text = `${query ? latency(query.p95) : '–'}${query ? SIGNS[query.verdict] : ' '}`.padStart(10);
          return query ? colour(query.verdict, style)(text) : text;
        });
        if (name.length > NAME_WIDTH) lines.push(name);
        lines.push(`${name.length > NAME_WIDTH ? ' '.repeat(NAME_WIDTH) : name.padEnd(NAME_WIDTH)}${figures.join('')}`);
      }
    }
    lines.push('');
  }
  const open = points.flatMap((point) =>
    point.queries
      .filter(({ verdict }) => verdict !== 'pass')
      .map((query) => {
        const found = query.p95
          ? `p95 ${latency(query.p95)} (${interval(query.p95)}), target below ${formatDuration(query.targetMs)}`
          : tooFew(query.samples);
        return `${mark(query.verdict, style, SIGNS[query.verdict])} ${query.name} at ${pointName(point)}: ${found}`;
      }),
  );
  return open.length === 0 ? lines : [...lines, style.dim('✗ missed  ? undecided'), ...open, ''];
}

const SIGNS: Readonly<Record<Verdict, string>> = { pass: ' ', fail: '✗', inconclusive: '?' };

function resources(point: Point, several: boolean, style: Style): string[] {
  const { queries, rates, counters, connections, throughput } = point;
  const row = (name: string, value: string, rest: string) => `${name.padEnd(24)} ${value.padStart(8)}  ${rest}`;
  return [
    ...(several ? [style.bold(pointName(point))] : []),
    ...rates.map(({ name, value, target, verdict }) =>
      row(RATE_WORDS[name], percent(value), `target ≥ ${percent(target)}  ${mark(verdict, style)}`),
    ),
    row('index usage', percent(counters.indexUsage), 'of all scans (not judged)'),
    ...connections.map(({ pool, sessions, slots, utilisation, target, verdict }) =>
      row(
        `connections, pool of ${pool}`,
        percent(utilisation),
        `target < ${percent(target)}  ${mark(verdict, style)}  (${sessions} of ${slots})`,
      ),
    ),
    ...slowestInServer(queries).map((each) =>
      row(`server, ${each.class}`, formatDuration(each.serverMs), `slowest mean: ${each.name}`),
    ),
    ...throughput.map((each) =>
      row(`answers, ${each.class}`, formatCount(Math.round(each.perSecond.value)), `a second (not judged)`),
    ),
    ...(several ? [''] : []),
  ];
}

/** What was found out about indexes and hit rates, below the name of the point where there are several. */
function findings(point: Point, several: boolean, style: Style): string[] {
  const lines = renderFindings(point, style);
  return several && lines.length > 0 ? ['', style.bold(`At ${pointName(point)}`), ...lines] : lines;
}

/** How many times slower each query became, and by which power. */
function growthLines({ growth }: BenchResult, style: Style): string[] {
  return growthWords(growth).flatMap(({ title, measure, growths, along, note }) => [
    ...[...Map.groupBy(growths, along)].flatMap(([where, own]) => [
      style.bold(`${title}: ${where}`),
      style.dim(
        `${(measure === 'slower' ? 'median' : 'a second').padEnd(NAME_WIDTH)}  ${`${measure} (95 % interval)`.padEnd(23)} exponent`,
      ),
      ...own.flatMap(({ name, ratio, exponent, target, verdict }) => {
        const power = exponent === null ? 'n/a' : exponent.value.toFixed(2);
        const judged = verdict === null || target === null ? '' : `  ≤ ${target.toFixed(2)} ${mark(verdict, style)}`;
        const figures = `  ${factor(ratio, '').padEnd(23)} ${power.padStart(5)}${judged}`;
        return name.length > NAME_WIDTH
          ? [name, `${' '.repeat(NAME_WIDTH)}${figures}`]
          : [`${name.padEnd(NAME_WIDTH)}${figures}`];
      }),
      '',
    ]),
    ...(note === '' ? [] : [style.dim(note), '']),
  ]);
}

/** A line per point. */
function resourceOverview(points: readonly Point[], style: Style): string[] {
  // Of a point that was interrupted no connections were counted.
  const pools = [...new Set(points.flatMap(({ connections }) => connections.map(({ pool }) => pool)))];
  const names = ['index hit', 'cache hit', ...pools.map((pool) => `pool of ${pool}`)];
  const width = Math.max(...points.map((point) => pointName(point).length));
  const row = (name: string, cells: readonly string[]) =>
    `${name.padEnd(width)}${cells.map((cell) => cell.padStart(12)).join('')}`;
  return [
    style.bold(row('', names)),
    ...points.map((point) => {
      const found = [
        ...point.rates.map(({ value, verdict }) => ({ value, verdict })),
        ...point.connections.map(({ utilisation, verdict }) => ({ value: utilisation, verdict })),
      ];
      const cells = found.map(({ value, verdict }) =>
        colour(verdict, style)(`${percent(value)}${SIGNS[verdict]}`.padStart(12)),
      );
      return `${pointName(point).padEnd(width)}${cells.join('')}`;
    }),
    '',
  ];
}

/** Sentences in lines that are not longer. */
function wrapped(text: string, width = COLUMNS): string[] {
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}

function mark(verdict: Verdict, style: Style, word = VERDICT_WORDS[verdict]): string {
  return colour(verdict, style)(word);
}

function colour(verdict: Verdict, style: Style): (text: string) => string {
  if (verdict === 'pass') return style.green;
  return verdict === 'fail' ? style.red : style.yellow;
}
