import { escapeXml } from '../../report/escape.ts';
import type { PromiseState, PromiseVerdict } from '../promise.ts';
import type { MonitorView } from '../view.ts';
import { fixSteps } from './fix.ts';
import { idOf, MARKS, signOf, withTimes } from './markup.ts';

/** Kept promises that are shown without being asked for. */
const SHOWN_KEPT = 24;

/** Broken ones opened with what mends them, then unknown ones, kept ones a line each, and what is not set up folded. */
export function promiseList({ promises, at }: Pick<MonitorView, 'promises' | 'at'>): string {
  const of = (state: PromiseState) => promises.filter((each) => each.state === state);
  const broken = of('broken');
  const unknown = of('unknown');
  const kept = of('kept');
  const none = of('none');
  return [
    group('broken', broken, `<ul class="problems">${broken.map((each) => problem(each, at, true)).join('')}</ul>`),
    // One is soon read; when a server is gone there are many, for one reason.
    group(
      'unknown',
      unknown,
      `<ul class="problems">${unknown.map((each) => problem(each, at, unknown.length < 3)).join('')}</ul>`,
    ),
    group('kept', kept, `${ticks(kept.slice(0, SHOWN_KEPT), at)}${more(kept.slice(SHOWN_KEPT), at)}`),
    none.length === 0
      ? ''
      : `<details id="none" class="none"><summary id="none-summary">${signOf(MARKS.none)} Not promised or not set up: ${none.length}</summary>${ticks(none, at)}</details>`,
  ].join('');
}

function ticks(promises: readonly PromiseVerdict[], now: Date): string {
  return `<ul class="ticks">${promises.map((each) => tick(each, now)).join('')}</ul>`;
}

/** Many databases have many promises: what is kept must not bury what is shown below. */
function more(promises: readonly PromiseVerdict[], now: Date): string {
  if (promises.length === 0) return '';
  return `<details id="more" class="more"><summary id="more-summary">${promises.length} more that are kept</summary>${ticks(promises, now)}</details>`;
}

function group(state: PromiseState, promises: readonly PromiseVerdict[], list: string): string {
  if (promises.length === 0) return '';
  return `<div class="group" id="${state}"><h3>${MARKS[state].word} <span class="quiet">${promises.length}</span></h3>${list}</div>`;
}

function problem(promise: PromiseVerdict, now: Date, open: boolean): string {
  const { state, message } = promise;
  const { tone, word } = MARKS[state];
  const line = `<span class="${tone} word">${signOf(MARKS[state])} ${word}</span> <span class="message">${withTimes(message, now)}</span>`;
  const inside = insideOf(promise, now);
  const content = inside === '' ? `<p class="line">${line}</p>` : folded(promise, open, line, inside);
  return `<li class="problem ${tone}" ${told(promise)}>${content}</li>`;
}

function tick(promise: PromiseVerdict, now: Date): string {
  const line = `${signOf(MARKS[promise.state])} <span class="message">${withTimes(promise.message, now)}</span>`;
  // Where nothing is to be mended, a runbook alone is no reason to open it.
  const inside = promise.details.length === 0 && promise.fix === null ? '' : insideOf(promise, now);
  const content = inside === '' ? `<p class="line">${line}</p>` : folded(promise, false, line, inside);
  return `<li ${told(promise)}>${content}</li>`;
}

/** What the script compares, so that a reader is told of a verdict that changed, and of nothing else. */
function told({ id, state, message }: PromiseVerdict): string {
  return `id="${idOf('promise', id)}" data-state="${state}" data-message="${escapeXml(message)}"`;
}

function folded({ id, state }: PromiseVerdict, open: boolean, line: string, inside: string): string {
  return `<details id="${idOf('details', id)}" data-state="${state}"${open ? ' open=""' : ''}><summary id="${idOf('summary', id)}" class="line">${line}</summary><div class="inside">${inside}</div></details>`;
}

function insideOf({ id, details, fix, runbook }: PromiseVerdict, now: Date): string {
  const lines = details.map((line) => `<li>${withTimes(line, now)}</li>`).join('');
  return [
    lines === '' ? '' : `<ul class="lines">${lines}</ul>`,
    fix === null ? '' : fixOf(fix, idOf('fix', id), now),
    runbook === null ? '' : `<p class="runbook">Runbook: <code>docs/${escapeXml(runbook)}</code></p>`,
  ].join('');
}

function fixOf(fix: string, id: string, now: Date): string {
  const steps = fixSteps(fix).map(({ lead, command }, place) => {
    const words = lead === '' ? '' : `<p>${withTimes(lead, now)}</p>`;
    if (command === null) return words;
    const code = `${id}-${place + 1}`;
    return `${words}<div class="command"><pre id="${code}"><code>${escapeXml(command)}</code></pre><button type="button" id="${code}-copy" data-copy="${code}" aria-describedby="${code}">Copy</button></div>`;
  });
  return `<div class="fix">${steps.join('')}</div>`;
}
