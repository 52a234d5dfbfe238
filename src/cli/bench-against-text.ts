import { describeSide, oneSidedWords } from '../bench/against/words.ts';
import { COMPARISON_WORDS, comparisonSentence, describeDifference } from '../bench/compare/words.ts';
import type { AgainstResult } from '../bench/index.ts';
import { renderComparedPoint } from './bench-compare-text.ts';
import type { Style } from './output.ts';

const COLOURS = { pass: 'green', fail: 'red', inconclusive: 'yellow' } as const;

/** What it came to, the two sides, the table of queries, then notes and in what else the two differ. */
export function renderAgainst(result: AgainstResult, style: Style): string {
  const { before, after, points, notes, differences, verdict } = result;
  return [
    `${style[COLOURS[verdict]](COMPARISON_WORDS[verdict])}: ${comparisonSentence(result)}`,
    `before  ${describeSide(before)}\nafter   ${describeSide(after)}`,
    renderComparedPoint(points[0], oneSidedWords(result), style),
    [...notes, ...differences.map((each) => `Another ${describeDifference(each)}`)]
      .map((line) => style.yellow(line))
      .join('\n'),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}
