import { createHash } from 'node:crypto';
import { escapeXml } from '../../report/escape.ts';
import { contentPolicy, page } from '../../report/page.ts';
import type { PromiseState } from '../promise.ts';
import type { MonitorView } from '../view.ts';
import { databaseLinks, databaseSection } from './database.ts';
import { headlineOf } from './headline.ts';
import { LIVE_SCRIPT } from './live-script.ts';
import { MARKS, signOf, time, withTimes } from './markup.ts';
import { promiseList } from './promises.ts';
import { READING_SCRIPT } from './reading-script.ts';
import { STYLE } from './style.ts';

const SCRIPT = LIVE_SCRIPT + READING_SCRIPT;

/**
 * The header `Content-Security-Policy` of the page: its own style and script by their hashes, questions to its own server, and
 * nothing else. The page holds the same in a meta element, which cannot forbid frames.
 */
export const PAGE_CSP = `${contentPolicy({ style: STYLE, script: SCRIPT })}; frame-ancestors 'none'`;

/** A page that stayed open while structdb was upgraded loads itself anew. */
const BUILD = createHash('sha256')
  .update(STYLE + SCRIPT)
  .digest('hex')
  .slice(0, 12);

/**
 * The status page with the state of this instant: whole without a script and without a network. With a script it asks its
 * server for `fragment`, relative to where it is, every five seconds, and takes over what changed.
 */
export function renderPage(view: MonitorView): string {
  const headline = headlineOf(view);
  return page({
    title: titleOf(headline.short),
    style: STYLE,
    head: `<link rel="icon" id="icon" href="${iconOf(headline.state)}"/>
<noscript><meta http-equiv="refresh" content="60"/></noscript>`,
    body: `<p id="gone" role="alert"></p>
<p id="told" class="hidden" role="status"></p>
${renderFragment(view)}
<div id="cursor" aria-hidden="true"></div>
<div id="reading" aria-hidden="true"></div>`,
    script: SCRIPT,
  });
}

/** What of the page changes, as the answer to `GET /fragment` (`text/html; charset=utf-8`, `cache-control: no-store`). */
export function renderFragment(view: MonitorView): string {
  const { state, title, sentence, short } = headlineOf(view);
  const { tone, sign } = MARKS[state];
  const sections = view.databases.map((database, place) => ({
    database,
    id: `database-${place + 1}`,
    objectives: view.objectives,
    now: view.at,
  }));
  return `<div id="view" data-build="${BUILD}" data-title="${escapeXml(titleOf(short))}" data-icon="${iconOf(state)}">
<header>
<p class="product">structdb <span>monitor</span></p>
<p class="as-of"><span class="pulse" aria-hidden="true"></span>${time(view.at)}</p>
</header>
<main>
<section class="headline ${tone}" aria-labelledby="headline">
<p class="badge" aria-hidden="true"><span>${sign}</span></p>
<div><h1 id="headline">${escapeXml(title)}</h1>
${sentence === '' ? '' : `<p class="sentence">${withTimes(sentence, view.at)}</p>`}
${counts(view)}</div>
</section>
${sections.length > 1 ? databaseLinks(sections) : ''}
<section id="promises" aria-labelledby="promises-name">
<h2 id="promises-name">Promises</h2>
${view.promises.length === 0 ? '<p class="empty">There is nothing to look at yet.</p>' : promiseList(view)}
</section>
${sections.map(databaseSection).join('\n')}
</main>
<footer>
<p>structdb ${escapeXml(view.toolVersion)} · <a id="link-state" href="api/state">this as JSON</a> · <a id="link-metrics" href="metrics">metrics</a></p>
<p id="zone">Times are UTC.</p>
<p class="unscripted">Without scripts this page loads itself anew each minute.</p>
</footer>
</div>`;
}

function counts({ promises }: MonitorView): string {
  const states: PromiseState[] = ['broken', 'unknown', 'kept', 'none'];
  const items = states.flatMap((state) => {
    const count = promises.filter((each) => each.state === state).length;
    if (count === 0) return [];
    return [`<li><a href="#${state}">${signOf(MARKS[state])} ${count} ${MARKS[state].word.toLowerCase()}</a></li>`];
  });
  return items.length === 0 ? '' : `<ul class="counts">${items.join('')}</ul>`;
}

function titleOf(short: string): string {
  return `${short} · structdb monitor`;
}

/** The state in the tab, as colour and shape. */
function iconOf(state: PromiseState): string {
  const shapes: Record<PromiseState, readonly [colour: string, shape: string]> = {
    kept: ['#1e7a4f', 'M9 17l5 5 10-12'],
    broken: ['#b3261e', 'M10 10l12 12M22 10l-12 12'],
    unknown: ['#8a5a00', 'M11 12a5 5 0 1 1 5 6v2M16 24v1'],
    none: ['#666666', 'M10 16h12'],
  };
  const [colour, shape] = shapes[state];
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="16" fill="${colour}"/><path d="${shape}" fill="none" stroke="#fff" stroke-width="3.5" stroke-linecap="round" stroke-linejoin="round"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(drawing).replaceAll("'", '%27')}`;
}
