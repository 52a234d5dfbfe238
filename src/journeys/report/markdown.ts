import { code, folded, plain, table } from '../../report/markdown.ts';
import { instant } from '../../report/page.ts';
import { type Confidence, formatIndex } from './confidence.ts';
import { FORMULA, headline, type Report } from './report.ts';
import type { Cell, Section, SectionTable, Tone } from './sections/section.ts';

const SIGNS: Readonly<Record<Tone, string>> = { good: '✅', bad: '❌', open: '⚠️', none: '·' };

/** The report for a wiki or a pull request: the index in the first line, what is broken and missing, then the evidence folded. */
export function toMarkdown(report: Report): string {
  const { confidence, sections, database, server, structdb, by, at } = report;
  const { tone, sentence } = headline(report);
  const where = server === null ? 'the server did not answer' : `PostgreSQL ${plain(server)}`;
  return `${[
    `# ${SIGNS[tone]} Confidence ${formatIndex(confidence.value)}: ${plain(database)}`,
    plain(sentence),
    `${where} · gathered ${instant(at)} by ${plain(by.user)} on ${plain(by.host)} · structdb ${plain(structdb)}`,
    ...brokenList(confidence),
    ...gapTable(confidence),
    '## How the index comes about',
    ...FORMULA.map(plain),
    termTable(confidence),
    ...sections.flatMap(sectionText),
  ].join('\n\n')}\n`;
}

function brokenList({ broken }: Confidence): string[] {
  if (broken.length === 0) return [];
  const lines = broken.map(
    ({ id, message, fix }) => `- ❌ ${plain(message)} (${code(id)})${fix === null ? '' : `: ${code(fix)}`}`,
  );
  return ['## Broken promises', lines.join('\n')];
}

function gapTable({ gaps }: Confidence): string[] {
  if (gaps.length === 0) return [];
  const rows = gaps.map(({ gain, what, command }) => [`+${gain.toFixed(3)}`, plain(what), code(command)]);
  return ['## What is missing to 1', table(['gain', 'proof', 'command'], rows, [0])];
}

function termTable({ terms, uncapped }: Confidence): string {
  const rows = terms.flatMap(({ title, weight, value, proofs }) => [
    [`**${plain(title)}**`, weight.toFixed(2), formatIndex(value), (weight * value).toFixed(3)],
    ...proofs.map((proof) => [
      `${plain(proof.claim)}: ${plain(proof.found)}${proof.since === null ? '' : ` (${instant(proof.since.at.toISOString())})`}`,
      (weight * proof.share).toFixed(3),
      formatIndex(proof.value),
      (weight * proof.share * proof.value).toFixed(3),
    ]),
  ]);
  return table(
    ['area and proof', 'counts', 'value', 'gives'],
    [...rows, ['**All areas**', '1', '', uncapped.toFixed(3)]],
    [1, 2, 3],
  );
}

function sectionText({ title, tone, summary, unread, facts, tables }: Section): string[] {
  return [
    `## ${SIGNS[tone]} ${plain(title)}`,
    plain(summary),
    ...unread.map((line) => `> ⚠️ ${plain(line)}`),
    ...(facts.length === 0 ? [] : [facts.map(([name, value]) => `- ${plain(name)}: ${plain(value)}`).join('\n')]),
    ...tables.filter(({ rows }) => rows.length > 0).map(tableText),
  ];
}

function tableText({ caption, head, rows }: SectionTable): string {
  const numbers = head.flatMap((_, at) =>
    rows.every((row) => typeof row[at] === 'object' && 'number' in row[at]) ? [at] : [],
  );
  return folded(
    caption,
    table(
      head,
      rows.map((row) => row.map(cellText)),
      numbers,
    ),
  );
}

function cellText(cell: Cell): string {
  if (typeof cell === 'string') return plain(cell);
  if ('number' in cell) return plain(cell.number);
  return 'code' in cell ? code(cell.code) : SIGNS[cell.tone];
}
