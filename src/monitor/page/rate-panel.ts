import type { LiveSample } from '../live.ts';
import { chart } from './chart.ts';
import { line, series } from './history.ts';
import { judged, knownOf, NOTHING, nowLine, type Panel, panelOf } from './panel.ts';
import { percent } from './words.ts';

/** A share of all reads that should not fall below its objective. */
export function ratePanel(title: string, read: (sample: LiveSample) => number | null, objective: number): Panel {
  return (history, name) => {
    const points = series(history, read);
    const known = knownOf(points);
    if (!known) return panelOf(title, NOTHING);
    const low = floorOf(Math.min(known.min, objective));
    const frame = { ...history, low, high: 1 };
    const holds = known.now >= objective;
    const range = `lowest ${percent(known.min)}, highest ${percent(known.max)}`;
    const picture = chart({
      title: `${title} of ${name}`,
      description: `Last ${percent(known.now)}, ${range}; the objective is at least ${percent(objective)}.`,
      frame,
      form: 'percent',
      shapes: [line(history, points, frame, 'first', title.toLowerCase())],
      objective: { value: objective, text: percent(objective) },
      axis: { low: percent(low), high: '100 %' },
    });
    const mark = judged(holds, holds ? `at least ${percent(objective)}` : `below ${percent(objective)}`);
    return panelOf(title, `${nowLine(history, percent(known.now), mark)}${picture}<p class="range">${range}</p>`);
  };
}

/** Where the axis of a rate begins, with some room below the lowest value: a rate lives close to 1. */
function floorOf(lowest: number): number {
  return [0.98, 0.95, 0.9, 0.8, 0.5].find((floor) => floor < lowest - (1 - lowest) * 0.2) ?? 0;
}
