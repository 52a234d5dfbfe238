/** Values over time as paths of a plane, which `stretched` lays over a picture of any width. */

export interface TimePoint {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** null where nothing is known: the line has a gap there. */
  readonly value: number | null;
}

type KnownPoint = TimePoint & { readonly value: number };

/** What the plane shows, from corner to corner. */
export interface Frame {
  readonly from: number;
  readonly to: number;
  readonly low: number;
  readonly high: number;
}

/** The units of the plane: whole ones are finer than a screen. */
export const PLANE = Object.freeze({ width: 1000, height: 1000 });

/**
 * As many points as a picture can tell apart: the least and the greatest of each of `parts` equal parts of the time, and one
 * that is not known where there is any. No peak and no gap is lost.
 */
export function thin<T extends TimePoint>(points: readonly T[], parts = 150): readonly T[] {
  if (points.length <= 2 * parts) return points;
  const first = points[0]!.at;
  const span = points.at(-1)!.at - first || 1;
  const kept: T[] = [];
  for (let start = 0; start < points.length; ) {
    const part = partOf(points[start]!);
    let least = -1;
    let greatest = -1;
    let unknown = -1;
    let end = start;
    for (; end < points.length && partOf(points[end]!) === part; end += 1) {
      const { value } = points[end]!;
      if (value === null) unknown = end;
      else {
        if (least < 0 || value < points[least]!.value!) least = end;
        if (greatest < 0 || value > points[greatest]!.value!) greatest = end;
      }
    }
    for (const at of [...new Set([least, greatest, unknown])].sort((a, b) => a - b))
      if (at >= 0) kept.push(points[at]!);
    start = end;
  }
  return kept;

  function partOf({ at }: TimePoint): number {
    return Math.min(parts - 1, Math.floor(((at - first) / span) * parts));
  }
}

/** The points between the gaps: a gap is what is not known, and a silence that is longer than `silence` milliseconds. */
export function runsOf<T extends TimePoint>(
  points: readonly T[],
  silence: number,
): (T & { readonly value: number })[][] {
  const runs: (T & { readonly value: number })[][] = [];
  let before: number | undefined;
  for (const point of points) {
    if (!isKnown(point)) {
      before = undefined;
      continue;
    }
    if (before === undefined || point.at - before > silence) runs.push([]);
    runs.at(-1)!.push(point);
    before = point.at;
  }
  return runs;
}

/** A line through each run; a run of one point is a dot where lines have round ends. */
export function linePath(runs: readonly (readonly KnownPoint[])[], frame: Frame): string {
  return runs.map((run) => `${stepsOf(run, frame)}${run.length === 1 ? 'h0' : ''}`).join('');
}

/** All that is below the line of each run. */
export function areaPath(runs: readonly (readonly KnownPoint[])[], frame: Frame): string {
  return runs.map((run) => `${stepsOf(run, frame)}V${PLANE.height}H${across(run[0]!.at, frame)}Z`).join('');
}

/** From the first point by steps, which are shorter to write than places, and whole, so that none goes astray. */
function stepsOf(run: readonly KnownPoint[], frame: Frame): string {
  let x = across(run[0]!.at, frame);
  let y = down(run[0]!.value, frame);
  let path = `M${x} ${y}`;
  for (let place = 1; place < run.length; place += 1) {
    const nextX = across(run[place]!.at, frame);
    const nextY = down(run[place]!.value, frame);
    path += `${place === 1 ? 'l' : ' '}${nextX - x} ${nextY - y}`;
    x = nextX;
    y = nextY;
  }
  return path;
}

/** How far down a value lies, from 0 (at the top) to 1. */
export function depth(value: number, { low, high }: Frame): number {
  return Math.min(1, Math.max(0, 1 - (value - low) / (high - low || 1)));
}

/** Never higher than it is: what is not all does not touch the top. */
function down(value: number, frame: Frame): number {
  return Math.ceil(depth(value, frame) * PLANE.height - 1e-6);
}

function across(at: number, { from, to }: Frame): number {
  return Math.round(Math.min(1, Math.max(0, to > from ? (at - from) / (to - from) : 1)) * PLANE.width);
}

function isKnown<T extends TimePoint>(point: T): point is T & { readonly value: number } {
  return point.value !== null;
}
