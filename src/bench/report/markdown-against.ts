import { code, folded, plain, table } from '../../report/markdown.ts';
import { instant } from '../../report/page.ts';
import type { AgainstResult } from '../against/result.ts';
import { againstTitle, describeTiming, oneSidedWords } from '../against/words.ts';
import { comparisonSentence } from '../compare/words.ts';
import { counted } from '../point-name.ts';
import { changedPlans, comparedTables } from './markdown-comparison.ts';
import { environmentFold, fitted, SIGNS } from './markdown-sections.ts';

/** Two sides that were timed in turns for a pull request: the verdict in the first line, then what moved, the rest folded. */
export function againstToMarkdown(result: AgainstResult): string {
  const { verdict, points, notes, differences, environment, id, at } = result;
  const [point] = points;
  const sides = (['before', 'after'] as const).map((place) => {
    const { name, server, commit, migration } = result[place];
    return [place, plain(name), plain(server), commit === null ? '' : code(commit), code(migration ?? 'none')];
  });
  const head = [
    `### ${SIGNS[verdict]} ${plain(comparisonSentence(result))}`,
    `Benchmark ${plain(againstTitle(result))}`,
    table(['', 'side', 'PostgreSQL', 'commit', 'last migration'], sides, []),
    `${plain(describeTiming(result))} · ${instant(at)} · ${code(id)}`,
  ];
  const [moved, ...others] = comparedTables(point, oneSidedWords(result));
  return fitted(head.join('\n\n'), [
    moved!,
    ['the notes', notes.map((note) => `> ⚠️ ${plain(note)}`).join('\n>\n')],
    ...others,
    ...changedPlans(point),
    [
      'what else differs',
      differences.length === 0
        ? ''
        : folded(
            `${counted(differences.length, 'difference')} of the two servers and hosts`,
            table(
              ['', 'before', 'after'],
              differences.map((each) => [each.what, each.before, each.after].map(plain)),
              [],
            ),
          ),
    ],
    environmentFold(environment),
  ]);
}
