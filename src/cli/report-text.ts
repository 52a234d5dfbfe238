import { formatIndex, headline, type Report, type Tone } from '../journeys/report/index.ts';
import type { Style } from './output.ts';

/** So many gaps are shown; the page and --json have all. */
const SHOWN = 6;

/** The report on one screen: the index, a line for each area, what is broken, and what would prove the most. */
export function renderReport(report: Report, style: Style): string {
  const { confidence, sections, database, server } = report;
  const { terms, broken, gaps } = confidence;
  const { tone, sentence } = headline(report);
  const width = Math.max(...sections.map(({ title }) => title.length));
  const left = gaps.length - SHOWN;
  return [
    `${style.bold(`Confidence ${formatIndex(confidence.value)}`)} ${mark(tone, style)} ${sentence}`,
    style.dim(`  ${database}, ${server === null ? 'which did not answer' : `PostgreSQL ${server}`}`),
    ...sections.flatMap(({ id, title, tone: own, summary, unread }) => {
      const term = terms.find((each) => each.id === id);
      const value = term === undefined ? '    ' : formatIndex(term.value);
      return [
        `${mark(own, style)} ${title.padEnd(width)}  ${value}  ${summary}`,
        ...unread.map((line) => `  ${' '.repeat(width)}        ${style.yellow('!')} ${line}`),
      ];
    }),
    ...broken.flatMap(({ message, fix }) => [
      `${style.red('✗')} ${message}`,
      ...(fix === null ? [] : [`    ${style.cyan('→')} ${fix}`]),
    ]),
    ...(gaps.length === 0 ? [] : ['Missing to 1:']),
    ...gaps
      .slice(0, SHOWN)
      .flatMap(({ gain, what, command }) => [
        `  +${gain.toFixed(3)} ${what}`,
        `         ${style.cyan('→')} ${command}`,
      ]),
    ...(left > 0 ? [style.dim(`  and ${left} more: --html <file> has all`)] : []),
  ].join('\n');
}

function mark(tone: Tone, style: Style): string {
  if (tone === 'good') return style.green('✓');
  if (tone === 'bad') return style.red('✗');
  return tone === 'open' ? style.yellow('?') : style.dim('·');
}
