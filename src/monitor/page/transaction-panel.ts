import { chart } from './chart.ts';
import { line, series } from './history.ts';
import { knownOf, NOTHING, nowLine, type Panel, panelOf } from './panel.ts';
import { perSecond } from './words.ts';

/** What ends per second, and how much of it came to nothing. */
export const transactionPanel: Panel = (history, name) => {
  const title = 'Transactions';
  const commits = series(history, ({ commitsPerSecond }) => commitsPerSecond);
  const rollbacks = series(history, ({ rollbacksPerSecond }) => rollbacksPerSecond);
  const known = knownOf(commits);
  const undone = knownOf(rollbacks);
  if (!known) return panelOf(title, NOTHING);
  const high = ceilingOf(Math.max(known.max, undone?.max ?? 0));
  const frame = { ...history, low: 0, high };
  const range = `commits from ${perSecond(known.min)} to ${perSecond(known.max)}`;
  const picture = chart({
    title: `Transactions of ${name}`,
    description: `Last ${perSecond(known.now)} committed and ${perSecond(undone?.now ?? 0)} rolled back; ${range}, rollbacks up to ${perSecond(undone?.max ?? 0)}.`,
    frame,
    form: 'rate',
    shapes: [
      line(history, commits, frame, 'first', 'committed'),
      line(history, rollbacks, frame, 'second', 'rolled back'),
    ],
    axis: { low: '0', high: perSecond(high) },
  });
  const key = `<ul class="key"><li>${stroke('first')}committed <strong>${perSecond(known.now)}</strong></li><li>${stroke('second')}rolled back <strong>${perSecond(undone?.now ?? 0)}</strong></li></ul>`;
  return panelOf(
    title,
    `${nowLine(history, perSecond(known.now + (undone?.now ?? 0)), '<span class="judged quiet">committed and rolled back</span>')}${picture}${key}<p class="range">${range}</p>`,
  );
};

function stroke(kind: string): string {
  return `<svg class="swatch" width="22" height="12" aria-hidden="true"><path class="line ${kind}" d="M1 6h20"/></svg>`;
}

/** 1, 2 or 5 times a power of ten. */
function ceilingOf(highest: number): number {
  if (highest <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  return power * ([1, 2, 5].find((factor) => factor * power >= highest) ?? 10);
}
