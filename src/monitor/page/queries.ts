import { formatCount, formatDuration } from '../../core/units.ts';
import { escapeXml } from '../../report/escape.ts';
import { shareBar } from '../../report/svg.ts';
import type { LiveState, SlowQuery } from '../live.ts';

/** The queries that took the most time in all, the first one most of it, with what each takes; a text opens to its whole length. */
export function queryPanel({ slowQueries, problems, name }: LiveState, section: string): string {
  const byTotal = slowQueries.toSorted((a, b) => b.totalMs - a.totalMs);
  const most = {
    meanMs: Math.max(...slowQueries.map(({ meanMs }) => meanMs)),
    totalMs: Math.max(...slowQueries.map(({ totalMs }) => totalMs)),
  };
  const table = `<table role="table" class="queries"><caption class="hidden">The slowest queries of ${escapeXml(name)}</caption>
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">query</th>${['calls', 'mean', 'total', 'rows'].map((column) => `<th role="columnheader" scope="col" class="number"${column === 'total' ? ' aria-sort="descending"' : ''}>${column}</th>`).join('')}</tr></thead>
<tbody role="rowgroup">${byTotal.map((query) => row(query, most, section)).join('')}</tbody></table>`;
  const why = problems.length > 0 ? 'No query is told of: see above.' : 'No query was counted yet.';
  return `<div class="panel wide"><h3>Slowest queries <span class="quiet">by total time</span></h3>${slowQueries.length > 0 ? table : `<p class="empty">${why}</p>`}</div>`;
}

/** Explicit roles: a table that a phone shows as a grid is no table to a screen reader without them. */
function row(
  { queryId, text, calls, meanMs, totalMs, rows }: SlowQuery,
  most: Pick<SlowQuery, 'meanMs' | 'totalMs'>,
  section: string,
): string {
  const cell = (column: string, value: string) =>
    `<td role="cell" class="number ${column}" data-name="${column}">${value}</td>`;
  const id = `${section}-query-${queryId.replace(/[^\w-]/g, '_')}`;
  const bar = (part: number, whole: number) => shareBar(whole > 0 ? part / whole : 0);
  return `<tr role="row" id="${id}"><th role="rowheader" scope="row" class="name"><details id="${id}-details"><summary id="${id}-summary"><code>${escapeXml(text)}</code></summary><p class="quiet">queryid ${escapeXml(queryId)}</p></details></th>${cell('calls', formatCount(calls))}${cell('mean', formatDuration(meanMs) + bar(meanMs, most.meanMs))}${cell('total', formatDuration(totalMs) + bar(totalMs, most.totalMs))}${cell('rows', formatCount(rows))}</tr>`;
}
