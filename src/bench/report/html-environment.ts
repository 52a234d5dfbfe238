import { escapeXml } from '../../report/escape.ts';
import type { BenchEnvironment } from '../environment.ts';
import { environmentFacts } from './words.ts';

/** Where it was measured, what more there is to tell of it, and the server's settings. */
export function environmentSection(
  environment: BenchEnvironment,
  more: readonly (readonly [name: string, value: string])[],
): string {
  const rows = [...environmentFacts(environment), ...more].map(
    ([name, value]) => `<tr><th scope="row">${escapeXml(name)}</th><td>${escapeXml(value)}</td></tr>`,
  );
  const settings = Object.entries(environment.server.settings).map(
    ([name, value]) => `<tr><th scope="row"><code>${escapeXml(name)}</code></th><td>${escapeXml(value)}</td></tr>`,
  );
  return `<section id="environment"><h2>What was measured, and where</h2><table><tbody>${rows.join('')}</tbody></table>${settings.length === 0 ? '' : `<details><summary>Settings of the server</summary><table><tbody>${settings.join('')}</tbody></table></details>`}</section>`;
}
