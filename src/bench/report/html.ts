import { formatDuration } from '../../core/units.ts';
import { escapeXml } from '../../report/escape.ts';
import { instant, page } from '../../report/page.ts';
import { pointName } from '../point-name.ts';
import type { BenchResult, Point } from '../result.ts';
import { comparisonSection } from './html-comparison.ts';
import { environmentSection } from './html-environment.ts';
import { pointContent } from './html-point.ts';
import { sideBySideSection } from './html-side-by-side.ts';
import { sweepSections } from './html-sweep.ts';
import { mark, noticeList } from './markup.ts';
import type { BenchReport } from './report.ts';
import { STYLE } from './style.ts';
import { dataWords, headline } from './words.ts';

/** The result as one page that is read without scripts and without a network, on a screen, a phone and on paper. */
export function toHtml({ result, raw, comparison }: BenchReport): string {
  const { word, verdict, sentence, lines } = headline(result);
  const title = `Benchmark ${result.suite.name}`;
  const { points } = result;
  const sections = points.map((point, place) => ({ point, place, samples: raw?.[place] }));
  const swept = sweepSections(result);
  return page({
    title: `${title}: ${word.toLowerCase()}`,
    style: STYLE,
    body: `<header>
<p class="verdict ${mark(verdict).tone}">${mark(verdict).sign} ${word}</p>
<h1>${escapeXml(title)}</h1>
<p>${escapeXml(sentence)}</p>
${lines.length === 0 ? '' : `<ul class="lines">${lines.map((line) => `<li>${escapeXml(line)}</li>`).join('')}</ul>`}
<p class="quiet">PostgreSQL ${escapeXml(result.server)} · ${escapeXml(instant(result.at))} · took ${formatDuration(result.durationMs)} · run <code>${escapeXml(result.id)}</code></p>
</header>
${points.length > 1 ? contents(points, swept !== '', comparison !== undefined) : ''}
<main>
${noticeList(points.flatMap((point) => point.doubts.map(({ message }) => (points.length > 1 ? `${pointName(point)}: ${message}` : message))))}
${comparison === undefined ? '' : comparisonSection(comparison)}
${swept}
${sections.map((each) => pointSection(each, points.length)).join('\n')}
${result.sideBySide ? sideBySideSection(result.sideBySide) : ''}
${runFacts(result)}
</main>`,
  });
}

interface PointSection {
  readonly point: Point;
  readonly place: number;
  readonly samples: Parameters<typeof pointContent>[1];
}

/** The only point is the page; several are opened one by one, those that need a look are open already. */
function pointSection({ point, place, samples }: PointSection, count: number): string {
  const content = pointContent(point, samples);
  const { tone, sign, word } = mark(point.verdict);
  const name = `${escapeXml(pointName(point))} <span class="${tone}">${sign} ${word}</span>`;
  return count === 1
    ? `<section id="point-1"><h2>${name}</h2>${content}</section>`
    : `<section id="point-${place + 1}"><details class="point"${point.verdict === 'pass' ? '' : ' open=""'}><summary role="heading" aria-level="2">${name}</summary>${content}</details></section>`;
}

function contents(points: readonly Point[], isSwept: boolean, isCompared: boolean): string {
  const items = points.map((point, place) => {
    const { tone, sign, word } = mark(point.verdict);
    return `<li><a href="#point-${place + 1}">${escapeXml(pointName(point))}</a> <span class="${tone}">${sign} ${word}</span></li>`;
  });
  const comparisonItem = isCompared ? '<li><a href="#comparison">Compared with the baseline</a></li>' : '';
  const sweepItem = isSwept ? '<li><a href="#growth">Growth</a></li>' : '';
  return `<nav aria-label="Contents"><ul>${comparisonItem}${sweepItem}${items.join('')}</ul></nav>`;
}

/** With what it was measured. */
function runFacts({ suite, database, points, environment }: BenchResult): string {
  return environmentSection(environment, [
    ['Suite', `${suite.name}, ${suite.queries} queries, ${suite.hash}`],
    ['Database', database],
    ...points.map((point): [string, string] => [
      pointName(point),
      `${dataWords(point.data)}; ${point.warmUpRounds} rounds of warm-up`,
    ]),
  ]);
}
