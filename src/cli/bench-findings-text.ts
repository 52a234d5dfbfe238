import { describeMissed, type HitRates, type PlanRecord, type Point, renderPlan } from '../bench/index.ts';
import { formatBytes, formatCount } from '../core/units.ts';
import type { Style } from './output.ts';

/** Plans of this many queries are shown; the others are in `--json`. */
const SHOWN_PLANS = 3;

/** Hit rates by class and query, plans that miss their index, large tables read whole, indexes that nobody used. */
export function renderFindings(point: Point, style: Style): string[] {
  return [...ratesOf(point, style), ...missedPlans(point.plans, style), ...accessOf(point, style)];
}

function ratesOf({ classes, queries, rates: judged }: Point, style: Style): string[] {
  const told = classes.flatMap(({ class: name, rates }) => (rates === null ? [] : [{ name, rates }]));
  const line = (name: string, { indexHitRate, cacheHitRate, indexUsage }: HitRates) =>
    `${name.padEnd(14)}${[indexHitRate, cacheHitRate, indexUsage].map((rate) => percent(rate).padStart(14)).join('')}`;
  const heads = ['index blocks', 'all blocks', 'index scans'].map((head) => head.padStart(14)).join('');
  const target = judged.find(({ name }) => name === 'cacheHitRate')?.target ?? 0;
  const below = queries
    .flatMap(({ name, rates: { cacheHitRate: rate, blocks } }) =>
      rate !== null && rate < target ? [{ name, rate, blocks }] : [],
    )
    .toSorted((a, b) => a.rate - b.rate);
  return [
    ...(told.length === 0 ? [] : ['', style.bold(`${'found'.padEnd(14)}${heads}`)]),
    ...told.map(({ name, rates }) => line(name, rates)),
    ...below.map(({ name, rate, blocks }) => `  ${name} alone: ${percent(rate)} of ${formatCount(blocks)} blocks`),
  ];
}

function missedPlans(plans: readonly PlanRecord[], style: Style): string[] {
  const missed = plans.filter(({ verdict }) => verdict === 'fail');
  if (missed.length === 0) return [];
  const lines = missed.flatMap((record, place) => [
    `${style.red('✗')} ${record.query}: plan: ${describeMissed(record)}`,
    ...(place < SHOWN_PLANS ? renderPlan(record.variants[0]!).map((line) => style.dim(`    ${line}`)) : []),
  ]);
  return ['', ...lines];
}

function accessOf({ access }: Point, style: Style): string[] {
  if (access === null) return [];
  const scans = access.tableScans.map(({ name, rows, scans: count, queries }) => {
    const by = queries.map((query) => (query.shouldUse ? `${query.name} (should use ${query.shouldUse})` : query.name));
    const who = by.length === 0 ? 'by no plan that was looked at' : `by ${by.join(', ')}`;
    return `${name}, ${formatCount(rows)} rows, ${count === 1 ? 'once' : `${formatCount(count)} times`} ${who}`;
  });
  const unused = access.unusedIndexes.filter(({ unique }) => !unique);
  const needed = access.unusedIndexes.length - unused.length;
  return [
    ...(scans.length === 0 ? [] : ['', style.bold('large tables read whole'), ...scans.map((line) => `  ${line}`)]),
    ...(unused.length === 0
      ? []
      : [
          '',
          style.bold('indexes that no query used'),
          ...unused.map(({ name, table, bytes }) => `  ${name} on ${table}, ${formatBytes(bytes)}`),
          ...(needed === 0 ? [] : [style.dim(`  and ${needed} that keep rows unique`)]),
        ]),
  ];
}

function percent(value: number | null): string {
  return value === null ? 'n/a' : `${(value * 100).toFixed(1)} %`;
}
