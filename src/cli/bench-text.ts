import { type BenchResult, describeLoop, type Point, type Verdict } from '../bench/index.ts';
import { formatCount, formatDuration } from '../core/units.ts';
import type { Style } from './output.ts';

/** The run as a table: a line per query, then the rates and connections. */
export function renderBench(result: BenchResult, style: Style): string {
  return result.points.map((point) => renderPoint(result, point, style)).join('\n\n');
}

function renderPoint(result: BenchResult, point: Point, style: Style): string {
  const { data, queries, rates, connections, counters } = point;
  const width = Math.max(...queries.map(({ name }) => name.length));
  const time = (ms: number | null) => (ms === null ? 'n/a' : formatDuration(ms)).padStart(8);
  const lines = [
    `PostgreSQL ${result.server}, ${formatCount(data.projects)} projects, ${point.clients} clients`,
    describeLoop(point),
    ...point.doubts.map(({ message }) => style.yellow(`! ${message}`)),
    '',
    style.bold(`${'query'.padEnd(width)}  class             p50       p95       p99   target`),
    ...queries.map(
      (query) =>
        `${query.name.padEnd(width)}  ${query.class.padEnd(11)}  ${time(query.p50?.value ?? null)}  ${time(query.p95?.value ?? null)}  ${time(query.p99?.value ?? null)}  ${`< ${formatDuration(query.targetMs)}`.padStart(8)}  ${mark(query.verdict, style)}`,
    ),
    '',
    ...rates.map(
      ({ name, value, target, verdict }) =>
        `${(name === 'indexHitRate' ? 'index hit rate' : 'cache hit rate').padEnd(width)}  ${percent(value).padStart(8)}  target ≥ ${percent(target)}  ${mark(verdict, style)}`,
    ),
    `${'index usage'.padEnd(width)}  ${percent(counters.indexUsage).padStart(8)}  of all scans (not judged)`,
    ...connections.map(
      ({ pool, sessions, slots, utilisation, target, verdict }) =>
        `${`connections, pool of ${pool}`.padEnd(width)}  ${percent(utilisation).padStart(8)}  target < ${percent(target)}  ${mark(verdict, style)}  (${sessions} of ${slots})`,
    ),
  ];
  return lines.join('\n');
}

function percent(value: number | null): string {
  return value === null ? 'n/a' : `${(value * 100).toFixed(1)} %`;
}

function mark(verdict: Verdict, style: Style): string {
  if (verdict === 'pass') return style.green('met');
  return verdict === 'fail' ? style.red('missed') : style.yellow('undecided');
}
