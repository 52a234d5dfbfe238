import { formatDuration } from '../../core/units.ts';
import type { PastDrill } from '../../drill/index.ts';
import { label, strip, svg } from '../../report/svg.ts';
import { type Confidence, formatIndex } from './confidence.ts';

/** The index as a bar: each area as wide as its weight, filled as far as it is proven. */
export function indexStrip({ terms, value, cap }: Confidence): string {
  let left = 0;
  const shapes: string[] = [];
  for (const { weight, value: filled } of terms) {
    shapes.push(
      `<rect class="whole" x="${percent(left)}" width="${percent(weight)}" y="2" height="20"/>`,
      `<rect class="filled" x="${percent(left)}" width="${percent(weight * filled)}" y="2" height="20"/>`,
      `<line class="joint" x1="${percent(left + weight)}" x2="${percent(left + weight)}" y1="2" y2="22"/>`,
    );
    left += weight;
  }
  const description = terms
    .map((term) => `${term.title} ${formatIndex(term.value)} of weight ${term.weight}`)
    .join(', ');
  const title = `Confidence ${formatIndex(value)}${cap === null ? '' : `, held below one half by what is broken`}`;
  return strip(24, { title, description }, shapes);
}

/** How much of one area is proven. */
export function valueStrip(title: string, value: number): string {
  return strip(14, { title: `${title}: ${formatIndex(value)}` }, [
    '<rect class="whole" x="0%" width="100%" y="3" height="8"/>',
    `<rect class="filled" x="0%" width="${percent(value)}" y="3" height="8"/>`,
  ]);
}

const CARD = { width: 640, height: 170, left: 84, right: 16, top: 22, bottom: 26 } as const;
/** More would lie on each other. */
const MOST_DRILLS = 60;

/** The RTO of drill after drill, with the objective where it is not far above them all; '' with fewer than two. */
export function rtoPicture(drills: readonly PastDrill[], objectiveMs: number): string {
  const timed = drills
    .flatMap((drill) => (drill.rtoMs === null ? [] : [{ ...drill, rtoMs: drill.rtoMs }]))
    .slice(-MOST_DRILLS);
  if (timed.length < 2) return '';
  const slowest = Math.max(...timed.map(({ rtoMs }) => rtoMs), 1);
  const isNear = objectiveMs <= slowest * 3;
  const most = (isNear ? Math.max(slowest, objectiveMs) : slowest) * 1.15;
  const x = (at: number) => CARD.left + (at / (timed.length - 1)) * (CARD.width - CARD.left - CARD.right);
  const y = (ms: number) => CARD.top + (1 - ms / most) * (CARD.height - CARD.top - CARD.bottom);
  const line = timed
    .map(({ rtoMs }, at) => `${at === 0 ? 'M' : 'L'}${x(at).toFixed(1)} ${y(rtoMs).toFixed(1)}`)
    .join('');
  const across = (ms: number, kind: string) =>
    `<line class="${kind}" x1="${CARD.left}" x2="${CARD.width - CARD.right}" y1="${y(ms).toFixed(1)}" y2="${y(ms).toFixed(1)}"/>`;
  const shapes = [
    across(0, 'joint'),
    across(slowest, 'joint'),
    label(CARD.left - 6, y(0) + 4, '0 s', 'end'),
    label(CARD.left - 6, y(slowest) + 4, formatDuration(slowest), 'end'),
    ...(isNear
      ? [across(objectiveMs, 'limit'), label(CARD.width - CARD.right, y(objectiveMs) - 4, 'objective', 'end')]
      : []),
    `<path class="trend" d="${line}"/>`,
    ...timed.map(
      ({ rtoMs, ok }, at) =>
        `<circle class="${ok ? 'dot' : 'dot failed'}" cx="${x(at).toFixed(1)}" cy="${y(rtoMs).toFixed(1)}" r="${ok ? 3.5 : 5}"/>`,
    ),
    label(CARD.left, CARD.height - 8, timed[0]!.at.slice(0, 10)),
    label(CARD.width - CARD.right, CARD.height - 8, timed.at(-1)!.at.slice(0, 10), 'end'),
  ];
  const failed = timed.filter(({ ok }) => !ok).length;
  const title = `RTO of ${timed.length} drills, at most ${formatDuration(slowest)} of ${formatDuration(objectiveMs)}${failed === 0 ? '' : `; ${failed} failed`}`;
  return svg(CARD.width, CARD.height, { title }, shapes);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}
