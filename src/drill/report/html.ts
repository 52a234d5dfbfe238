import { formatDuration } from '../../core/units.ts';
import { escapeXml } from './junit.ts';
import { axisPicture, phasesPicture, spanOf } from './pictures.ts';
import type { Report, Section } from './report.ts';

/** The report as one page that needs nothing else: no script, no style sheet, no font, no picture from outside. */
export function toHtml(report: Report): string {
  const { title, at, structdb, verdict, evidence, sections } = report;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeXml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<p class="verdict ${verdict.ok ? 'good' : 'bad'}">${verdict.ok ? 'Passed' : 'Failed'}</p>
<h1>${escapeXml(title)}</h1>
<p>${escapeXml(verdict.message)}${verdict.code === null ? '' : ` <code>${escapeXml(verdict.code)}</code>`}</p>
<p class="quiet">${escapeXml(at.replace('T', ' ').replace(/\.\d+Z$/, ' UTC'))} · structdb ${escapeXml(structdb)}</p>
</header>
${sections.length > 1 ? summary(sections) : ''}
${sections.map(section).join('\n')}
${evidence === '' ? '' : `<footer class="quiet">Evidence: <code>${escapeXml(evidence)}</code></footer>`}
</body>
</html>
`;
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
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 960px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; margin: 2rem 0 0; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; } p { margin: .3rem 0; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .2rem .6rem .2rem 0; vertical-align: top; border-bottom: 1px solid #e4e4e4; overflow-wrap: anywhere; }
td:first-child { width: 1.2rem; } td:nth-child(2) { white-space: nowrap; } .number { text-align: right; white-space: nowrap; }
ul { margin: 0; padding-left: 1.2rem; } section { border-top: 1px solid #bbb; } footer { margin-top: 2rem; }
.quiet { color: #666; } .good { color: #1e7a4f; } .bad { color: #b3261e; }
.verdict { font-weight: 700; font-size: 1.1rem; }
@media print { body { margin: 0; } section { break-inside: avoid; } }
`;
