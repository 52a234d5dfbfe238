import { formatDuration } from '../../core/units.ts';
import { escapeXml } from '../../report/escape.ts';
import { scrolling } from '../../report/page.ts';
import { counted } from '../point-name.ts';
import type { SideBySide } from '../side-by-side/side-by-side.ts';
import { WAYS } from '../side-by-side/ways.ts';
import { noticeList } from './markup.ts';
import { WAY_WORDS } from './side-by-side-words.ts';

/** The same statements through each layer: what the stack costs. */
export function sideBySideSection({ clients, pgbenchVersion, queries, notes }: SideBySide): string {
  const heads = WAYS.map((way) => `<th scope="col" class="number">${WAY_WORDS[way]}</th>`).join('');
  const rows = queries.map((query) => {
    const cells = WAYS.map((way) => {
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
