import { formatDuration } from '../../core/units.ts';
import { escapeXml } from '../../report/escape.ts';
import { instant, page } from '../../report/page.ts';
import { axisPicture, phasesPicture, spanOf } from './pictures.ts';
import type { Report, Section } from './report.ts';

/** The report as one page that needs nothing else: no script, no style sheet, no font, no picture from outside. */
export function toHtml(report: Report): string {
  const { title, at, structdb, verdict, evidence, sections } = report;
  return page({
    title,
    style: STYLE,
    body: `<header>
<p class="verdict ${verdict.ok ? 'good' : 'bad'}">${verdict.ok ? 'Passed' : 'Failed'}</p>
<h1>${escapeXml(title)}</h1>
<p>${escapeXml(verdict.message)}${verdict.code === null ? '' : ` <code>${escapeXml(verdict.code)}</code>`}</p>
<p class="quiet">${escapeXml(instant(at))} · structdb ${escapeXml(structdb)}</p>
</header>
${sections.length > 1 ? summary(sections) : ''}
${sections.map(section).join('\n')}
${evidence === '' ? '' : `<footer class="quiet">Evidence: <code>${escapeXml(evidence)}</code></footer>`}`,
  });
}

function summary(sections: readonly Section[]): string {
  const rows = sections.map(
    ({ name, ok, skipped, rto, axis }) =>
      `<tr><td>${skipped === undefined ? mark(ok) : '·'}</td><td><a href="#${escapeXml(name)}">${escapeXml(name)}</a></td><td class="number">${formatDuration(rto.measuredMs)}</td><td class="number">${spanOf(Math.max(0, axis.disasterMs - axis.coveredMs))}</td><td>${escapeXml(skipped ?? axis.message)}</td></tr>`,
  );
  return `<table><thead><tr><th></th><th>scenario</th><th class="number">RTO</th><th class="number">RPO</th><th>rows</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function section(part: Section): string {
  if (part.skipped === undefined) return whole(part);
  return `<section id="${escapeXml(part.name)}"><h2>· ${escapeXml(part.name)}</h2><p>${escapeXml(part.title)}</p><p>${escapeXml(part.skipped)}</p></section>`;
}

function whole({ name, title, ok, rto, axis, checks, facts }: Section): string {
  const checkRows = checks.map((check) => {
    const details =
      check.details.length > 1 ? `<ul>${check.details.map((line) => `<li>${escapeXml(line)}</li>`).join('')}</ul>` : '';
    return `<tr><td>${mark(check.ok)}</td><td>${escapeXml(check.name)}</td><td>${escapeXml(check.message)}${details}</td></tr>`;
  });
  const factRows = facts.map(
    ([key, value]) => `<tr><td></td><td>${escapeXml(key)}</td><td>${escapeXml(value)}</td></tr>`,
  );
  return `<section id="${escapeXml(name)}">
<h2>${mark(ok)} ${escapeXml(name)}</h2>
<p>${escapeXml(title)}</p>
<h3>${mark(rto.met)} RTO ${formatDuration(rto.measuredMs)} to the first accepted write</h3>
${phasesPicture(rto)}
<h3>${axis.ok === undefined ? '·' : mark(axis.ok)} ${escapeXml(axis.title)}: ${escapeXml(axis.message)}</h3>
${axisPicture(axis)}
<h3>Checks</h3>
<table><tbody>${checkRows.join('')}${factRows.join('')}</tbody></table>
</section>`;
}

/** A sign besides the colour: the page is read in black and white too. */
function mark(ok: boolean): string {
  return `<span class="${ok ? 'good' : 'bad'}">${ok ? '✓' : '✗'}</span>`;
}

const STYLE = `
td:first-child { width: 1.2rem; } td:nth-child(2) { white-space: nowrap; }
@media print { section { break-inside: avoid; } }
`;
