import { escapeXml } from '../../report/escape.ts';
import { stretched, strip } from '../../report/svg.ts';
import { depth, type Frame, PLANE } from '../../report/time-series.ts';
import { shortTime } from './markup.ts';

/** In pixels: four of them are seen at once. */
const HEIGHT = 96;

export interface Chart {
  /** `Cache hit rate of structdb on localhost:5432` */
  readonly title: string;
  /** What the picture shows, in words. */
  readonly description: string;
  readonly frame: Frame;
  /** How values are spelled where a pointer reads them. */
  readonly form: 'percent' | 'count' | 'rate';
  /** Bands and lines of the plane. */
  readonly shapes: readonly string[];
  readonly objective?: { readonly value: number; readonly text: string };
  /** The names of the lowest and the highest value of the frame. */
  readonly axis: { readonly low: string; readonly high: string };
}

/** A picture as wide as its place, with what its edges mean beside it in text. */
export function chart({ title, description, frame, form, shapes, objective, axis }: Chart): string {
  const across = (kind: string, y: number) =>
    `<line class="${kind}" x1="0" x2="${PLANE.width}" y1="${Math.round(y)}" y2="${Math.round(y)}"/>`;
  const limit = objective === undefined ? 0 : depth(objective.value, frame);
  const plane = stretched(PLANE.width, PLANE.height, [
    ...[0, PLANE.height / 2, PLANE.height].map((y) => across('grid', y)),
    ...shapes,
    ...(objective === undefined ? [] : [across('objective', limit * PLANE.height)]),
  ]);
  const at = limit * HEIGHT;
  // Below its line where there is room.
  const name =
    objective === undefined
      ? ''
      : `<text class="objective-name" x="4" y="${(at < HEIGHT - 18 ? at + 13 : at - 5).toFixed(0)}">${escapeXml(objective.text)}</text>`;
  const ends = [...new Set([frame.from, frame.to])].map((end) =>
    shortTime(new Date(end), frame.to - frame.from > 72_000_000),
  );
  return `<div class="chart" data-from="${frame.from}" data-to="${frame.to}" data-low="${frame.low}" data-high="${frame.high}" data-form="${form}"><div class="axis" aria-hidden="true"><span>${escapeXml(axis.high)}</span><span>${escapeXml(axis.low)}</span></div>${strip(HEIGHT, { title, description }, [plane, name])}<p class="ends">${ends.join('')}</p></div>`;
}
