import { formatDuration } from '../../core/units.ts';
import { escapeXml } from '../../report/escape.ts';
import { instant, page, scrolling } from '../../report/page.ts';
import type { AgainstResult, AgainstSide } from '../against/result.ts';
import { againstTitle, describeTiming, oneSidedWords } from '../against/words.ts';
import { judgeComparison } from '../compare/judge.ts';
import { COMPARISON_WORDS, comparisonSentence } from '../compare/words.ts';
import { pointName } from '../point-name.ts';
import { comparedPoint } from './html-comparison.ts';
import { environmentSection } from './html-environment.ts';
import { mark, noticeList } from './markup.ts';
import { STYLE } from './style.ts';
import { dataWords } from './words.ts';

/** Two sides that were timed in turns as one page, which needs neither scripts nor a network. */
export function againstToHtml(result: AgainstResult): string {
  const { verdict, points, notes, environment, suite } = result;
  const [point] = points;
  const title = `Benchmark ${againstTitle(result)}`;
  const { sign, tone } = mark(verdict);
  const word = COMPARISON_WORDS[verdict];
  const lines = (judgeComparison(result)?.details ?? []).map((line) => `<li>${escapeXml(line)}</li>`);
  return page({
    title: `${title}: ${word}`,
    style: STYLE,
    body: `<header>
<p class="verdict ${tone}">${sign} ${word.charAt(0).toUpperCase()}${word.slice(1)}</p>
<h1>${escapeXml(title)}</h1>
<p>${escapeXml(comparisonSentence(result))}</p>
${lines.length === 0 ? '' : `<ul class="lines">${lines.join('')}</ul>`}
<p class="quiet">${escapeXml(describeTiming(result))} · ${escapeXml(instant(result.at))} · took ${formatDuration(result.durationMs)} · <code>${escapeXml(result.id)}</code></p>
</header>
<main>
${noticeList(notes)}
<section id="sides"><h2>The two sides</h2>${sidesTable(result)}${differencesTable(result)}</section>
<section id="comparison"><h2>Query by query</h2>${comparedPoint(point, oneSidedWords(result))}</section>
${environmentSection(environment, [
  ['Suite', suite],
  [pointName(point), dataWords(point.data)],
])}
</main>`,
  });
}

function sidesTable({ before, after }: AgainstResult): string {
  const facts: [name: string, of: (side: AgainstSide) => string][] = [
    ['name', ({ name }) => name],
    ['PostgreSQL', ({ server }) => server],
    ['commit', ({ commit }) => commit ?? 'none known'],
    ['last migration', ({ migration }) => migration ?? 'none'],
  ];
  const rows = facts.map(([name, of]) => [name, of(before), of(after)] as const);
  return beforeAndAfter('Before and after', rows, 'sides');
}

/** In what the two differ besides schema and queries. */
function differencesTable({ differences }: AgainstResult): string {
  if (differences.length === 0) return '';
  const name = 'What else differs';
  const rows = differences.map(({ what, before, after }) => [what, before, after] as const);
  return scrolling(name, beforeAndAfter(name, rows, 'differences'));
}

function beforeAndAfter(
  name: string,
  rows: readonly (readonly [what: string, before: string, after: string])[],
  className: string,
): string {
  const lines = rows.map(([what, ...sides]) => {
    const cells = sides.map((side) => `<td>${escapeXml(side)}</td>`);
    return `<tr><th scope="row">${escapeXml(what)}</th>${cells.join('')}</tr>`;
  });
  return `<table class="${className}"><caption>${name}</caption><thead><tr><td></td><th scope="col">before</th><th scope="col">after</th></tr></thead><tbody>${lines.join('')}</tbody></table>`;
}
