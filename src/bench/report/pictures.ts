import { formatDuration } from '../../core/units.ts';
import { label, strip, svg } from '../../report/svg.ts';
import type { QueryResult } from '../result.ts';
import { nearestRank, type Percentile } from '../statistics/percentiles.ts';
import { type LogScale, logScale, stepScale } from './scale.ts';
import { inWords, latency } from './words.ts';

/** The narrowest place that the strips of a table are given, in pixels: on paper. */
const NARROWEST_STRIP = 220;

/** The axis above the strips of a table. */
export function axisStrip(scale: LogScale): string {
  const names = namedTicks(scale, (tick) => scale.at(tick) * NARROWEST_STRIP, NARROWEST_STRIP).map(
    ({ tick, anchor }) =>
      `<text x="${percentOf(scale.at(tick))}" y="11" text-anchor="${anchor}" fill="currentColor">${tickName(tick)}</text>`,
  );
  return strip(14, { title: 'Latency, a logarithmic axis' }, names);
}

/** p50 to p95 as a bar, the interval of p95 around its end, p99 as a ring, the target as a line across. */
export function rangeStrip(query: QueryResult, scale: LogScale): string {
  const { p50, p95, p99, targetMs, verdict } = query;
  const x = (ms: number) => percentOf(scale.at(ms));
  const across = (from: number, to: number) => `${(Math.max(0, scale.at(to) - scale.at(from)) * 100).toFixed(2)}%`;
  const shapes = scale.ticks.map((tick) => `<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y1="0" y2="24"/>`);
  if (p50 && p95) {
    shapes.push(
      `<rect class="span ${verdict}" x="${x(p50.value)}" width="${across(p50.value, p95.value)}" y="8" height="8"/>`,
    );
  }
  if (p95) {
    shapes.push(
      `<rect class="interval ${verdict}" x="${x(p95.low)}" width="${across(p95.low, p95.high)}" y="4" height="16" rx="1"/>`,
      `<line class="edge ${verdict}" x1="${x(p95.value)}" x2="${x(p95.value)}" y1="3" y2="21"/>`,
    );
  }
  if (p50) shapes.push(`<line class="edge ${verdict}" x1="${x(p50.value)}" x2="${x(p50.value)}" y1="8" y2="16"/>`);
  if (p99) shapes.push(`<circle class="ring ${verdict}" cx="${x(p99.value)}" cy="12" r="3.5"/>`);
  shapes.push(`<line class="target" x1="${x(targetMs)}" x2="${x(targetMs)}" y1="0" y2="24"/>`);
  return strip(24, { title: `${query.name}: ${inWords(query)}` }, shapes);
}

/** A share of a whole as a bar, with its target as a line. */
export function shareStrip(value: number | null, target: number, title: string): string {
  const bar =
    value === null ? '' : `<rect class="span" x="0%" width="${percentOf(Math.min(1, value))}" y="4" height="8"/>`;
  return strip(16, { title }, [
    '<rect class="whole" x="0%" width="100%" y="4" height="8"/>',
    bar,
    `<line class="target" x1="${percentOf(target)}" x2="${percentOf(target)}" y1="0" y2="16"/>`,
  ]);
}

const CARD = { width: 320, height: 176, left: 38, right: 12, top: 10, bottom: 24 } as const;
const INNER = { width: CARD.width - CARD.left - CARD.right, height: CARD.height - CARD.top - CARD.bottom } as const;
/** More steps than the picture has pixels draw nothing more. */
const MOST_STEPS = 150;

/** How many of the samples took at most so long: every sample, nothing smoothed. `ms` ascends and is not empty. */
export function distribution(query: QueryResult, ms: readonly number[], scale: LogScale): string {
  const x = (value: number) => CARD.left + scale.at(value) * INNER.width;
  const y = (share: number) => CARD.top + (1 - share) * INNER.height;
  let path = `M${x(ms[0]!).toFixed(1)} ${y(0).toFixed(1)}`;
  for (const rank of ranksOf(ms.length)) {
    path += `H${x(ms[rank - 1]!).toFixed(1)}V${y(rank / ms.length).toFixed(1)}`;
  }
  path += `H${CARD.width - CARD.right}`;
  const shapes = [
    ...uprights(scale, x),
    ...[0, 0.5, 0.95, 1].map(
      (share) =>
        `<line class="grid" x1="${CARD.left}" x2="${CARD.width - CARD.right}" y1="${y(share).toFixed(1)}" y2="${y(share).toFixed(1)}"/>`,
    ),
    label(CARD.left - 5, y(0) + 4, '0', 'end'),
    label(CARD.left - 5, y(0.5) + 4, '50 %', 'end'),
    label(CARD.left - 5, y(0.95) + 6, '95 %', 'end'),
    targetLine(query.targetMs, x, y),
    `<path class="curve" d="${path}"/>`,
  ];
  if (query.p95) {
    const { low, value, high } = query.p95;
    const at = y(0.95).toFixed(1);
    shapes.push(
      `<line class="interval ${query.verdict}" x1="${x(low).toFixed(1)}" x2="${x(high).toFixed(1)}" y1="${at}" y2="${at}"/>`,
      `<circle class="dot ${query.verdict}" cx="${x(value).toFixed(1)}" cy="${at}" r="3"/>`,
    );
  }
  return svg(
    CARD.width,
    CARD.height,
    {
      title: `${query.name}: distribution of ${ms.length} latencies`,
      description: `Fastest ${formatDuration(ms[0]!)}, half within ${formatDuration(nearestRank(ms, 0.5))}, 95 % within ${formatDuration(nearestRank(ms, 0.95))}, slowest ${formatDuration(ms.at(-1)!)}; target below ${formatDuration(query.targetMs)}.`,
    },
    shapes,
  );
}

/** Room for `0.05 ms` beside the upright axis. */
const SWEEP_LEFT = 50;

/** What is measured along a sweep, the other size held fixed. */
export interface Series {
  readonly name: string;
  readonly steps: readonly {
    readonly size: number;
    readonly p50: Percentile | null;
    readonly p95: Percentile | null;
  }[];
}

/** The medians with their intervals over the sizes, both axes logarithmic; with one series its p95 and the target too. */
export function sweep(
  { name, targetMs }: Pick<QueryResult, 'name' | 'targetMs'>,
  series: readonly Series[],
  scale: LogScale,
  sizeName: (size: number) => string,
): string {
  const sizes = stepScale(series.flatMap(({ steps }) => steps.map(({ size }) => size)));
  const right = series.length > 1 ? 62 : CARD.right + 6;
  const x = (size: number) => SWEEP_LEFT + 14 + sizes.at(size) * (CARD.width - SWEEP_LEFT - 14 - right);
  const y = (ms: number) => CARD.top + (1 - scale.at(ms)) * INNER.height;
  const shapes = scale.ticks.flatMap((tick) => [
    `<line class="grid" x1="${SWEEP_LEFT}" x2="${CARD.width - right + 6}" y1="${y(tick).toFixed(1)}" y2="${y(tick).toFixed(1)}"/>`,
    label(SWEEP_LEFT - 4, Number((y(tick) + 4).toFixed(1)), tickName(tick), 'end'),
  ]);
  for (const size of sizes.ticks) shapes.push(label(x(size), CARD.height - 8, sizeName(size), 'middle'));
  const only = series.length === 1;
  if (only) {
    const at = y(targetMs).toFixed(1);
    shapes.push(`<line class="target" x1="${SWEEP_LEFT}" x2="${CARD.width - right + 6}" y1="${at}" y2="${at}"/>`);
  }
  for (const [place, { name: own, steps }] of series.entries()) {
    const dash = DASHES[place % DASHES.length]!;
    const medians = steps.flatMap(({ size, p50 }) => (p50 ? [{ size, ...p50 }] : []));
    shapes.push(polyline(medians, x, y, `curve`, dash));
    for (const { size, low, value, high } of medians) {
      shapes.push(
        `<line class="whisker" x1="${x(size).toFixed(1)}" x2="${x(size).toFixed(1)}" y1="${y(low).toFixed(1)}" y2="${y(high).toFixed(1)}"/>`,
        `<circle class="dot" cx="${x(size).toFixed(1)}" cy="${y(value).toFixed(1)}" r="2.5"/>`,
      );
    }
    const last = medians.at(-1);
    if (!only && last) shapes.push(label(x(last.size) + 6, Number((y(last.value) + 4).toFixed(1)), own));
    if (only) {
      const upper = steps.flatMap(({ size, p95 }) => (p95 ? [{ size, ...p95 }] : []));
      shapes.push(polyline(upper, x, y, 'second', '5 3'));
    }
  }
  const told = series.map(
    (each) =>
      `${each.name}: ${each.steps.map(({ size, p50, p95 }) => `${sizeName(size)} p50 ${latency(p50)}, p95 ${latency(p95)}`).join('; ')}.`,
  );
  return svg(CARD.width, CARD.height, { title: `${name}: latency by size`, description: told.join(' ') }, shapes);
}

const DASHES = ['none', '6 3', '2 3', '8 3 2 3'];

/** The axis of latencies that holds all of these queries, their targets too. */
export function latencyScale(queries: readonly QueryResult[], more: readonly number[] = []): LogScale {
  const values = queries.flatMap(({ p50, p95, p99, targetMs }) => [
    targetMs,
    ...[p50, p95, p99].flatMap((each) => (each ? [each.low, each.high] : [])),
  ]);
  return logScale([...values, ...more]);
}

/** `1 ms`, `0.05 ms`, `2 s`: ticks are round, and say no digit more than they have. */
export function tickName(ms: number): string {
  return ms < 1000 ? `${Number(ms.toPrecision(3))} ms` : `${Number((ms / 1000).toPrecision(3))} s`;
}

function uprights(scale: LogScale, x: (value: number) => number): string[] {
  return [
    ...scale.ticks.map((tick) => {
      const at = x(tick).toFixed(1);
      return `<line class="grid" x1="${at}" x2="${at}" y1="${CARD.top}" y2="${CARD.height - CARD.bottom}"/>`;
    }),
    ...namedTicks(scale, x, CARD.width).map(({ tick, anchor }) =>
      label(x(tick), CARD.height - 8, tickName(tick), anchor),
    ),
  ];
}

/** The width of a character at most, and what must lie between two names. */
const CHARACTER = 7.2;
const BETWEEN = 6;

/** The ticks whose names have room below an axis that ends at `right`; decades come first. */
function namedTicks(
  { ticks }: LogScale,
  x: (tick: number) => number,
  right: number,
): { readonly tick: number; readonly anchor: 'middle' | 'end' }[] {
  const isDecade = (tick: number) => Math.abs(Math.log10(tick) - Math.round(Math.log10(tick))) < 1e-9;
  const kept: { tick: number; anchor: 'middle' | 'end'; from: number; to: number }[] = [];
  for (const tick of [...ticks.filter(isDecade), ...ticks.filter((each) => !isDecade(each))]) {
    const width = tickName(tick).length * CHARACTER;
    const anchor = x(tick) + width / 2 > right ? 'end' : 'middle';
    const from = x(tick) - (anchor === 'end' ? width : width / 2);
    const to = from + width;
    if (kept.every((other) => other.to + BETWEEN <= from || to + BETWEEN <= other.from)) {
      kept.push({ tick, anchor, from, to });
    }
  }
  return kept;
}

function targetLine(targetMs: number, x: (value: number) => number, y: (share: number) => number): string {
  const at = x(targetMs).toFixed(1);
  return `<line class="target" x1="${at}" x2="${at}" y1="${y(1).toFixed(1)}" y2="${y(0).toFixed(1)}"/>`;
}

function polyline(
  steps: readonly { readonly size: number; readonly value: number }[],
  x: (size: number) => number,
  y: (ms: number) => number,
  name: string,
  dash: string,
): string {
  const points = steps.map(({ size, value }) => `${x(size).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  return `<polyline class="${name}" points="${points}" stroke-dasharray="${dash}"/>`;
}

/** Ranks that draw the curve: all of few samples; of many, evenly spaced ones and the slowest in full detail. */
function ranksOf(count: number): number[] {
  if (count <= MOST_STEPS) return Array.from({ length: count }, (_, place) => place + 1);
  const even = Array.from({ length: 110 }, (_, place) => Math.ceil(((place + 1) / 110) * count));
  const slowest = Array.from({ length: 40 }, (_, place) => Math.ceil((0.95 + ((place + 1) / 40) * 0.05) * count));
  return [...new Set([...even, ...slowest])].sort((a, b) => a - b);
}

function percentOf(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}
