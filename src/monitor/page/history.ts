import { escapeXml } from '../../report/escape.ts';
import { areaPath, type Frame, linePath, runsOf, type TimePoint, thin } from '../../report/time-series.ts';
import type { LiveSample } from '../live.ts';

/** The samples of a database as what the pictures are drawn from; instants in milliseconds. */
export interface History {
  readonly samples: readonly LiveSample[];
  readonly from: number;
  readonly to: number;
  /** Milliseconds without a sample that are a gap: the server was down, or nobody looked. */
  readonly silence: number;
  /** Since when nothing came; null where something is expected any moment. */
  readonly endedAt: Date | null;
}

/** Into how many parts the time of a picture is told apart. */
const PARTS = 150;

/** @param now the instant of the view: a line that ends before it shows that nothing came since */
export function historyOf(samples: readonly LiveSample[], now: Date): History {
  const instants = samples.map(({ at }) => at.getTime());
  const last = instants.at(-1) ?? now.getTime();
  const silence = 3.5 * Math.max(typicalStep(instants), 1000);
  const isOver = now.getTime() - last > silence;
  const to = isOver ? now.getTime() : last;
  return { samples, from: instants[0] ?? to, to, silence, endedAt: isOver ? new Date(last) : null };
}

export function series({ samples }: History, read: (sample: LiveSample) => number | null): TimePoint[] {
  return samples.map((sample) => ({ at: sample.at.getTime(), value: read(sample) }));
}

/** The line of a series, as an element of the plane. */
export function line(history: History, points: readonly TimePoint[], frame: Frame, kind: string, name: string): string {
  return `<path class="line ${kind}" data-name="${name}" d="${linePath(drawnRuns(history, points), frame)}"/>`;
}

export interface Layer {
  readonly name: string;
  readonly kind: string;
  readonly read: (sample: LiveSample) => number;
}

/** Layers that lie on each other, the first one at the bottom: each is drawn down to the ground, over the ones above it. */
export function stack(history: History, layers: readonly Layer[], frame: Frame): string[] {
  const points = history.samples.map((sample) => {
    const edges = [0];
    for (const { read } of layers) edges.push(edges.at(-1)! + read(sample));
    return { at: sample.at.getTime(), value: edges.at(-1)!, edges };
  });
  const runs = drawnRuns(history, points);
  return layers
    .map(({ kind, name }, place) => {
      const upTo = runs.map((run) => run.map(({ at, edges }) => ({ at, value: edges[place + 1]! })));
      return `<path class="band ${kind}" data-name="${escapeXml(name)}" d="${areaPath(upTo, frame)}"/>`;
    })
    .reverse();
}

function drawnRuns<T extends TimePoint>({ silence, from, to }: History, points: readonly T[]) {
  const drawn = thin(points, PARTS);
  // What was thinned lies further apart.
  return runsOf(drawn, drawn.length === points.length ? silence : Math.max(silence, (2.5 * (to - from)) / PARTS));
}

function typicalStep(instants: readonly number[]): number {
  const steps = instants.slice(1).map((at, place) => at - instants[place]!);
  return steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
}
