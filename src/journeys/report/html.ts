import { formatCount } from '../../core/units.ts';
import { escapeXml } from '../../report/escape.ts';
import { instant, page, scrolling } from '../../report/page.ts';
import { type Confidence, formatIndex, type JudgedProof, type Term } from './confidence.ts';
import { indexStrip, rtoPicture, valueStrip } from './pictures.ts';
import { FORMULA, headline, type Report } from './report.ts';
import type { Cell, Section, SectionTable, Tone } from './sections/section.ts';

/** The report as one page that is read without scripts and without a network, on a screen, a phone and on paper. */
export function toHtml(report: Report): string {
  const { confidence, sections, database, server, structdb, by, at } = report;
  const { tone, sentence } = headline(report);
  const title = `Evidence for ${database}`;
  return page({
    title: `${title}: confidence ${formatIndex(confidence.value)}`,
    style: STYLE,
    body: `<header>
<p class="index ${tone}"><span>${formatIndex(confidence.value)}</span> confidence, of 1</p>
<h1>${escapeXml(title)}</h1>
<p>${mark(tone)} ${escapeXml(sentence)}</p>
${indexStrip(confidence)}
<p class="quiet">${server === null ? 'The server did not answer' : `PostgreSQL ${escapeXml(server)}`} · gathered ${escapeXml(instant(at))} by ${escapeXml(by.user)} on ${escapeXml(by.host)} · structdb ${escapeXml(structdb)}</p>
</header>
<nav aria-label="Contents"><ul><li><a href="#confidence">How the index comes about</a></li>${sections.map(({ id, title: name, tone: own }) => `<li>${mark(own)} <a href="#${id}">${escapeXml(name)}</a></li>`).join('')}</ul></nav>
<main>
${brokenList(confidence)}
${gapTable(confidence)}
${indexSection(confidence)}
${sections.map((section) => sectionMarkup(section, picturesOf(section, report))).join('\n')}
</main>`,
  });
}

function picturesOf({ id }: Section, { evidence }: Report): string {
  if (id !== 'drills' || !evidence.drills.ok) return '';
  const picture = rtoPicture(evidence.drills.value, evidence.objectives.rto);
  return picture === '' ? '' : `<figure><figcaption>RTO, drill after drill</figcaption>${picture}</figure>`;
}

function brokenList({ broken }: Confidence): string {
  if (broken.length === 0) return '';
  const items = broken.map(
    ({ id, message, fix }) =>
      `<li><strong>${escapeXml(message)}</strong> <code class="quiet">${escapeXml(id)}</code>${fix === null ? '' : `<p>Mend it: <code>${escapeXml(fix)}</code></p>`}</li>`,
  );
  return `<section id="broken"><h2>${mark('bad')} Broken promises</h2><ul class="lines">${items.join('')}</ul></section>`;
}

function gapTable({ gaps }: Confidence): string {
  if (gaps.length === 0) return '';
  const rows = gaps.map(
    ({ gain, what, command }) =>
      `<tr><td class="number">+${gain.toFixed(3)}</td><td>${escapeXml(what)}</td><td><code>${escapeXml(command)}</code></td></tr>`,
  );
  return `<section id="missing"><h2>What is missing to 1</h2>${scrolling('What is missing to 1', `<table><thead><tr><th scope="col" class="number">gain</th><th scope="col">proof</th><th scope="col">command</th></tr></thead><tbody>${rows.join('')}</tbody></table>`)}</section>`;
}

function indexSection({ terms, value, uncapped, cap }: Confidence): string {
  const capped = cap !== null && uncapped > cap ? `, held at ${formatIndex(value)} by what is broken` : '';
  const table = `<table class="terms"><thead><tr><th scope="col">area and proof</th><th scope="col" class="number">counts</th><th scope="col" class="number">value</th><th scope="col" class="number">gives</th></tr></thead>${terms.map(termRows).join('')}<tfoot><tr><th scope="row">All areas${capped}</th><td class="number">1</td><td></td><td class="number">${uncapped.toFixed(3)}</td></tr></tfoot></table>`;
  return `<section id="confidence"><h2>How the index comes about</h2>${FORMULA.map((line) => `<p>${escapeXml(line)}</p>`).join('')}${scrolling('The terms of the index', table)}</section>`;
}

function termRows({ title, weight, value, proofs }: Term): string {
  return `<tbody><tr class="term"><th scope="rowgroup">${escapeXml(title)}${valueStrip(title, value)}</th><td class="number">${weight.toFixed(2)}</td><td class="number">${formatIndex(value)}</td><td class="number">${(weight * value).toFixed(3)}</td></tr>${proofs.map((proof) => proofRow(proof, weight)).join('')}</tbody>`;
}

function proofRow({ claim, found, share, value, since }: JudgedProof, weight: number): string {
  const tone = value === 1 ? 'good' : 'open';
  const dated = since === null ? '' : ` <span class="quiet">${escapeXml(instant(since.at.toISOString()))}</span>`;
  return `<tr><th scope="row">${mark(tone)} ${escapeXml(claim)}<small>${escapeXml(found)}${dated}</small></th><td class="number">${(weight * share).toFixed(3)}</td><td class="number">${formatIndex(value)}</td><td class="number">${(weight * share * value).toFixed(3)}</td></tr>`;
}

function sectionMarkup({ id, title, tone, summary, unread, facts, tables }: Section, pictures: string): string {
  const factRows = facts.map(
    ([name, value]) => `<tr><th scope="row">${escapeXml(name)}</th><td>${escapeXml(value)}</td></tr>`,
  );
  return `<section id="${id}"><h2>${mark(tone)} ${escapeXml(title)}</h2>
<p>${escapeXml(summary)}</p>
${unread.map((line) => `<p class="doubt" role="note"><strong>!</strong> ${escapeXml(line)}</p>`).join('')}
${factRows.length === 0 ? '' : `<table class="facts"><tbody>${factRows.join('')}</tbody></table>`}
${pictures}
${tables
  .filter(({ rows }) => rows.length > 0)
  .map(tableMarkup)
  .join('\n')}
</section>`;
}

/** Longer tables are opened by who wants them; on paper they are open. */
const LONG = 12;

function tableMarkup({ caption, head, rows }: SectionTable): string {
  const isNumber = (at: number) => rows.every((row) => typeof row[at] === 'object' && 'number' in row[at]);
  const heads = head.map((name, at) =>
    name === ''
      ? '<th scope="col"><span class="hidden">state</span></th>'
      : `<th scope="col"${isNumber(at) ? ' class="number"' : ''}>${escapeXml(name)}</th>`,
  );
  const body = rows.map((row) => `<tr>${row.map(cellMarkup).join('')}</tr>`);
  const isLong = rows.length > LONG;
  const name = isLong ? '' : `<caption>${escapeXml(caption)}</caption>`;
  const table = scrolling(
    caption,
    `<table>${name}<thead><tr>${heads.join('')}</tr></thead><tbody>${body.join('')}</tbody></table>`,
  );
  const count = `${escapeXml(caption)}, ${formatCount(rows.length)} rows`;
  return isLong ? `<details><summary>${count}</summary>${table}</details>` : table;
}

function cellMarkup(cell: Cell): string {
  if (typeof cell === 'string') return `<td>${escapeXml(cell)}</td>`;
  if ('number' in cell) return `<td class="number">${escapeXml(cell.number)}</td>`;
  if ('code' in cell) return `<td><code>${escapeXml(cell.code)}</code></td>`;
  return `<td>${mark(cell.tone)}</td>`;
}

const MARKS: Readonly<Record<Tone, readonly [sign: string, word: string]>> = {
  good: ['✓', 'good'],
  bad: ['✗', 'broken'],
  open: ['?', 'open'],
  none: ['·', 'not promised'],
};

/** A sign and a word besides the colour: the page is read in black and white, and aloud. */
function mark(tone: Tone): string {
  const [sign, word] = MARKS[tone];
  return `<span class="${tone}" aria-hidden="true">${sign}</span><span class="hidden">${word}</span>`;
}

const STYLE = `
:root { --tone: #2f6f9f; }
@media screen and (prefers-color-scheme: dark) { :root { --tone: #7fb2d6; } }
body { max-width: 1080px; }
.index span { font-size: 3rem; font-weight: 700; line-height: 1; margin-right: .3rem; } .index { margin: 0 0 .6rem; }
h2 { padding-top: .6rem; } nav ul { columns: 16rem; list-style: none; padding: 0; margin: .8rem 0; } a { color: inherit; }
th { font-weight: 600; } tbody th[scope=row] { font-weight: 400; } caption { text-align: left; font-weight: 600; padding: .8rem 0 .2rem; }
.lines li { margin: .4rem 0; overflow-wrap: anywhere; } code { overflow-wrap: anywhere; font-size: .92em; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.doubt { border-left: 4px solid var(--open); padding-left: .7rem; margin: .6rem 0; overflow-wrap: anywhere; } .none { color: var(--quiet); }
.terms .term > * { border-bottom-color: var(--edge); padding-top: .8rem; font-weight: 600; } .terms small { display: block; color: var(--quiet); } .terms tfoot > tr > * { font-weight: 700; }
.facts th { width: 16rem; color: var(--quiet); }
svg { color: var(--quiet); display: block; } .whole { fill: var(--line); } .filled { fill: var(--tone); } .joint { stroke: var(--edge); }
.limit { stroke: var(--text); stroke-width: 1.5; stroke-dasharray: 4 3; } .trend { fill: none; stroke: var(--tone); stroke-width: 1.75; } .dot { fill: var(--tone); } .dot.failed { fill: var(--back); stroke: var(--bad); stroke-width: 2.5; }
figure { margin: .8rem 0; max-width: 640px; } figcaption { font-weight: 600; }
a:focus-visible, [tabindex]:focus-visible { outline: 2px solid var(--tone); outline-offset: 2px; }
details { padding: .5rem 0; } summary { cursor: pointer; font-weight: 600; } summary:focus-visible { outline: 2px solid var(--tone); outline-offset: 2px; }
@media screen and (max-width: 700px) { .facts th { width: 6rem; } .scroll table:not(.terms) { min-width: 34rem; } }
@media print { * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } body { font-size: 9.5pt; } nav { display: none; } details::details-content { content-visibility: visible; display: block; height: auto; } tr, figure, .doubt { break-inside: avoid; } h2, h3, caption { break-after: avoid; } thead { display: table-header-group; } section { break-inside: auto; } }
`;
