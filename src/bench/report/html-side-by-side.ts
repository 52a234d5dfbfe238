import { formatDuration } from '../../core/units.ts';
import { escapeXml } from '../../report/escape.ts';
import { scrolling } from '../../report/page.ts';
import { counted } from '../point-name.ts';
import type { SideBySide } from '../side-by-side/side-by-side.ts';
import type { Way } from '../side-by-side/ways.ts';
import { noticeList } from './markup.ts';

const WAY_NAMES: Readonly<Record<Way, string>> = {
  kysely: 'Kysely',
  pg: 'pg',
  pgPrepared: 'pg, prepared',
  pgbench: 'pgbench',
};

/** The same statements through each layer: what the stack costs. */
export function sideBySideSection({ clients, pgbenchVersion, queries, notes }: SideBySide): string {
  const ways = Object.keys(WAY_NAMES) as Way[];
  const heads = ways.map((way) => `<th scope="col" class="number">${WAY_NAMES[way]}</th>`).join('');
  const rows = queries.map((query) => {
    const cells = ways.map((way) => {
      const found = query.ways[way];
      if (found === null) return '<td class="number">n/a</td>';
      const upper = found.p95Ms === null ? 'n/a' : formatDuration(found.p95Ms);
      return `<td class="number">${formatDuration(found.p50Ms)}<small>p95 ${upper}</small></td>`;
    });
    return `<tr><th scope="row">${escapeXml(query.name)}</th>${cells.join('')}</tr>`;
  });
  const name = `Medians, ${counted(clients, 'client')}${pgbenchVersion === null ? '' : `, pgbench ${pgbenchVersion}`}`;
  const table = `<table><caption>${escapeXml(name)}</caption><thead><tr><th scope="col">query</th>${heads}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
  return `<section id="side-by-side"><h2>Side by side: what each layer costs</h2>${scrolling(name, table)}${noticeList(notes)}</section>`;
}
