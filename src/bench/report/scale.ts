/** A logarithmic axis: latencies of a microsecond and of seconds share a page, and a growth by a factor is a distance. */
export interface LogScale {
  /** Where a value lies, 0 at the low end and 1 at the high one; what lies outside is put on the end. */
  at(value: number): number;
  /** Ascending; both ends among them unless they would be too many. */
  readonly ticks: readonly number[];
}

/** The resolution of the samples, in ms: a logarithm needs more than 0. */
const LEAST = 0.001;
const MOST_TICKS = 7;

/** An axis from the 1, 2 or 5 below the least value to the one above the greatest. Values above 0; not empty. */
export function logScale(values: readonly number[]): LogScale {
  const known = values.map((value) => Math.max(value, LEAST));
  const low = roundStep(Math.min(...known), 'down');
  const high = Math.max(roundStep(Math.max(...known), 'up'), low * 2);
  const span = Math.log(high / low);
  return {
    at: (value) => Math.min(1, Math.max(0, Math.log(Math.max(value, LEAST) / low) / span)),
    ticks: ticksOf(low, high),
  };
}

/** An axis whose ticks are the sizes that were measured. */
export function stepScale(sizes: readonly number[]): LogScale {
  const ticks = [...new Set(sizes)].sort((a, b) => a - b);
  const [low, high] = [ticks[0]!, ticks.at(-1)!];
  const span = Math.log(high / low) || 1;
  return { at: (value) => Math.log(value / low) / span, ticks };
}

function ticksOf(low: number, high: number): number[] {
  for (const steps of [[1, 2, 5], [1, 3], [1]]) {
    const found = multiples(steps, low, high);
    if (found.length <= MOST_TICKS) return found;
  }
  const decades = multiples([1], low, high);
  const every = Math.ceil(decades.length / MOST_TICKS);
  return decades.filter((_, place) => place % every === 0);
}

function multiples(steps: readonly number[], low: number, high: number): number[] {
  const found: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const step of steps) {
      const value = Number(`${step}e${power}`);
      if (value >= low * 0.999 && value <= high * 1.001) found.push(value);
    }
  }
  return found;
}

function roundStep(value: number, direction: 'down' | 'up'): number {
  const power = Math.floor(Math.log10(value));
  const steps = [1, 2, 5, 10].map((step) => Number(`${step}e${power}`));
  return direction === 'up'
    ? steps.find((step) => step >= value * 0.999999)!
    : steps.findLast((step) => step <= value * 1.000001)!;
}
