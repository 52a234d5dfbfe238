import { escapeXml } from '../../report/escape.ts';
import { page } from '../../report/page.ts';
import type { MonitorView } from '../view.ts';

/** The promises as a list, broken ones first. */
export function listOfPromises({ promises, toolVersion }: MonitorView): string {
  const items = promises.map(({ state, message, fix }) => {
    const mends = fix === null ? '' : `<br><code>${escapeXml(fix)}</code>`;
    return `<li><strong>${state}</strong>: ${escapeXml(message)}${mends}</li>`;
  });
  const body = `<h1>structdb monitor</h1>\n<ul>\n${items.join('\n')}\n</ul>\n<footer>structdb ${escapeXml(toolVersion)}</footer>`;
  return page({ title: 'structdb monitor', style: '', body });
}
