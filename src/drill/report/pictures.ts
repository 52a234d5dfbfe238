import { formatDuration } from '../../core/units.ts';
import { escapeXml } from '../../report/escape.ts';
import { label, svg } from '../../report/svg.ts';
import type { Rto } from '../result.ts';
import { phaseName } from './phases.ts';
import type { TimeAxis } from './report.ts';

const WIDTH = 960;
const MARGIN = 12;
const INNER = WIDTH - 2 * MARGIN;
/** Neighbouring phases differ, in print too. */
const TONES = ['#2f6f9f', '#7fb2d6', '#3b8f6b', '#8fcaae', '#a5682a', '#e0b27c', '#6a5a9c'];
/** Below this width a name does not fit into its bar. */
const NAME_WIDTH = 64;

/** The span until the first accepted write, phase after phase, with the objective beside it. */
export function phasesPicture({ phases, measuredMs, objectiveMs, met }: Rto<Readonly<Record<string, number>>>): string {
  const entries = Object.entries(phases);
  const total = Math.max(
    measuredMs,
    entries.reduce((sum, [, ms]) => sum + ms, 0),
    1,
  );
  const scale = INNER / total;
  let left = MARGIN;
  const bars: string[] = [];
  const legend: string[] = [];
  for (const [index, [key, ms]] of entries.entries()) {
    const width = ms * scale;
    const tone = TONES[index % TONES.length]!;
    const name = `${phaseName(key)} ${formatDuration(ms)}`;
    bars.push(
      `<rect x="${left.toFixed(1)}" y="8" width="${Math.max(width, 0.5).toFixed(1)}" height="34" fill="${tone}"><title>${escapeXml(name)}</title></rect>`,
    );
    if (width >= NAME_WIDTH)
      bars.push(label(left + width / 2, 30, phaseName(key), 'middle', index % 2 === 0 ? '#fff' : '#222'));
    const column = MARGIN + (index % 4) * (INNER / 4);
    const row = 74 + Math.floor(index / 4) * 20;
    legend.push(
      `<rect x="${column}" y="${row - 10}" width="11" height="11" fill="${tone}"/>`,
      label(column + 17, row, name),
    );
    left += width;
  }
  const height = 66 + Math.ceil(entries.length / 4) * 20;
  const share = `${formatDuration(measuredMs)} of ${formatDuration(objectiveMs)}`;
  return svg(WIDTH, height, { title: `RTO ${share}` }, [
    ...bars,
    label(MARGIN, 57, '0'),
    label(
      WIDTH - MARGIN,
      57,
      `${formatDuration(total)}: ${met ? 'within' : 'beyond'} the objective of ${formatDuration(objectiveMs)}`,
      'end',
    ),
    ...legend,
  ]);
}

/** Time up to the disaster: what is covered, what is lost, how far back the objective reaches. */
export function axisPicture(axis: TimeAxis): string {
  const { disasterMs, coveredMs, objectiveMs, marks, message } = axis;
  const lossMs = Math.max(0, disasterMs - coveredMs);
  const within = marks.filter(({ atMs }) => atMs <= disasterMs);
  const oldest = Math.min(coveredMs, ...within.map(({ atMs }) => atMs));
  const shownMs = Math.max((disasterMs - oldest) * 1.15, 1000);
  // Seconds beside an objective of minutes would be a line: where events are shown, the objective may lie outside.
  const isOutside = objectiveMs !== undefined && within.length > 0 && objectiveMs > 2 * shownMs;
  const span = Math.max(isOutside ? 0 : (objectiveMs ?? 0) * 1.15, shownMs);
  const beginMs = disasterMs - span;
  const right = WIDTH - MARGIN - 60;
  const x = (ms: number) => MARGIN + ((Math.max(ms, beginMs) - beginMs) / span) * (right - MARGIN);
  const shapes = [
    `<rect x="${MARGIN}" y="34" width="${(x(coveredMs) - MARGIN).toFixed(1)}" height="22" fill="#3b8f6b"/>`,
    `<rect x="${x(coveredMs).toFixed(1)}" y="34" width="${(right - x(coveredMs)).toFixed(1)}" height="22" fill="${axis.ok === false ? '#c0392b' : '#e0b27c'}"/>`,
    `<line x1="${right}" y1="22" x2="${right}" y2="64" stroke="currentColor" stroke-width="2"/>`,
    label(right, 16, 'disaster', 'middle'),
    label(MARGIN, 76, clock(beginMs)),
    label(right, 76, clock(disasterMs), 'middle'),
  ];
  if (isOutside) shapes.push(label(MARGIN, 16, `← objective ${spanOf(objectiveMs)}`));
  if (objectiveMs !== undefined && objectiveMs > 0 && !isOutside) {
    const limit = x(disasterMs - objectiveMs);
    shapes.push(
      `<line x1="${limit.toFixed(1)}" y1="22" x2="${limit.toFixed(1)}" y2="64" stroke="currentColor" stroke-dasharray="4 3"/>`,
      label(limit, 16, `objective ${spanOf(objectiveMs)}`, limit < 80 ? 'start' : 'middle'),
    );
  }
  if (x(coveredMs) - MARGIN >= NAME_WIDTH)
    shapes.push(label((MARGIN + x(coveredMs)) / 2, 50, 'covered', 'middle', '#fff'));
  if (right - x(coveredMs) >= NAME_WIDTH) {
    shapes.push(
      label(
        (x(coveredMs) + right) / 2,
        50,
        `lost ${formatDuration(lossMs)}`,
        'middle',
        axis.ok === false ? '#fff' : '#222',
      ),
    );
  }
  for (const [index, { atMs, name }] of within.entries()) {
    if (atMs === disasterMs) continue;
    const at = x(atMs);
    const row = 92 + (index % 3) * 16;
    shapes.push(
      `<line x1="${at.toFixed(1)}" y1="56" x2="${at.toFixed(1)}" y2="${row - 11}" stroke="#888"/>`,
      label(at, row, name, at > WIDTH - 160 ? 'end' : 'start'),
    );
  }
  const rows = within.some(({ atMs }) => atMs !== disasterMs) ? Math.min(3, within.length) : 0;
  return svg(WIDTH, 86 + rows * 16, { title: message }, shapes);
}

/** `0 s`, or the duration in words. */
export function spanOf(ms: number): string {
  return ms === 0 ? '0 s' : formatDuration(ms);
}

/** The time of an instant, UTC. */
function clock(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}
