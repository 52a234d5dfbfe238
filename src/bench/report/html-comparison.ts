import { formatDuration } from '../../core/units.ts';
import { escapeXml } from '../../report/escape.ts';
import { scrolling } from '../../report/page.ts';
import type { ComparedPlan } from '../compare/changed-access.ts';
import type { Change, ComparedPoint, ComparedQuery } from '../compare/comparison.ts';
import { formatP } from '../compare/judge.ts';
import {
  COMPARISON_WORDS,
  changePercent,
  comparisonNotes,
  comparisonSentence,
  describeChange,
  describePlanChange,
  describeRun,
  OF_BASELINE,
  type OneSidedWords,
  oneSided,
  planChangeText,
} from '../compare/words.ts';
import { mark, noticeList } from './markup.ts';
import type { Compared } from './report.ts';

/** The run against its baseline, query by query, with the plans that changed. */
export function comparisonSection(compared: Compared): string {
  if ('refused' in compared) {
    return `<section id="comparison"><h2>Compared with the baseline</h2>${noticeList([compared.refused])}</section>`;
  }
  const { baseline, run, points, verdict } = compared;
  const { sign, tone } = mark(verdict);
  return `<section id="comparison"><h2>Compared with the baseline <span class="${tone}">${sign} ${COMPARISON_WORDS[verdict]}</span></h2>
<p>${escapeXml(comparisonSentence(compared))}</p>
<table><tbody><tr><th scope="row">before</th><td>${escapeXml(describeRun(baseline))}</td></tr><tr><th scope="row">after</th><td>${escapeXml(describeRun(run))}</td></tr></tbody></table>
${noticeList(comparisonNotes(compared))}
${points.map((point) => comparedPoint(point, OF_BASELINE)).join('\n')}</section>`;
}

/** The table of medians at one point, the queries that one side alone was asked, and the plans that changed. */
export function comparedPoint(point: ComparedPoint, words: OneSidedWords): string {
  const { title, queries, plans } = point;
  const name = `Medians at ${title}`;
  const heads = ['before', 'after', 'change', 'p']
    .map((head) => `<th scope="col" class="number">${head}</th>`)
    .join('');
  const others = oneSided(point, words).map(({ query, why }) => `<li>${escapeXml(`${query}: ${why}`)}</li>`);
  return [
    scrolling(
      name,
      `<table><caption>${escapeXml(name)}</caption><thead><tr><th scope="col">query</th>${heads}<th scope="col">verdict</th></tr></thead><tbody>${queries.map(queryRow).join('')}</tbody></table>`,
    ),
    others.length === 0 ? '' : `<ul class="lines">${others.join('')}</ul>`,
    ...plans.map(planMarkup),
  ].join('\n');
}

const TONES: Readonly<Record<Change, string>> = {
  slower: 'bad',
  'slightly-slower': 'open',
  same: 'quiet',
  'slightly-faster': 'good',
  faster: 'good',
  undecided: 'open',
};

function queryRow(query: ComparedQuery): string {
  const { name, before, after, ratio, p, change } = query;
  const cells = [formatDuration(before.medianMs), formatDuration(after.medianMs), changePercent(ratio), formatP(p)];
  const word = change === 'same' ? 'the same' : describeChange(query);
  return `<tr><th scope="row">${escapeXml(name)}</th>${cells.map((cell) => `<td class="number">${escapeXml(cell)}</td>`).join('')}<td><span class="${TONES[change]}">${escapeXml(word)}</span></td></tr>`;
}

function planMarkup(plan: ComparedPlan): string {
  const { query, otherAccess } = plan;
  const how = escapeXml(describePlanChange(plan).slice(query.length + 1));
  return `<details${otherAccess ? ' open=""' : ''}><summary>${escapeXml(query)} <span class="${otherAccess ? 'bad' : 'open'}">${how}</span></summary><pre>${escapeXml(planChangeText(plan).join('\n'))}</pre></details>`;
}
