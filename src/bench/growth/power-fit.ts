import type { Percentile } from '../statistics/percentiles.ts';

/** One step of a sweep: the size, and what was measured there with its 95 % interval. Both above 0. */
export interface Step {
  readonly size: number;
  readonly measured: Percentile;
}

/** `measured ~ size^exponent`, and how many times the first is the last. Both with 95 % intervals. */
export interface PowerFit {
  readonly exponent: Percentile;
  readonly ratio: Percentile;
}

/** Two-sided, of the normal distribution. */
const Z_95 = 1.96;
const Z_99 = 2.576;

/**
 * Least squares through the logarithms: 0 is no growth, 1 is proportional, log n comes out as a little above 0. The
 * interval of the exponent is what the intervals of the steps leave open; where the steps lie further off the line than
 * that, it is widened to their scatter, because the law itself is then only roughly true. The ratio is that of the
 * last step to the first, no law assumed. `undefined` with less than two different sizes, or a step of 0.
 */
export function fitPower(steps: readonly Step[]): PowerFit | undefined {
  const ascending = steps.toSorted((a, b) => a.size - b.size);
  const [first, last] = [ascending[0], ascending.at(-1)];
  if (first === undefined || last === undefined || first.size === last.size) return undefined;
  if (first.size <= 0 || ascending.some(({ measured }) => measured.low <= 0)) return undefined;
  const points = ascending.map(({ size, measured }) => ({
    x: Math.log(size),
    y: Math.log(measured.value),
    error: standardError(measured),
  }));
  const centre = mean(points.map(({ x }) => x));
  const middle = mean(points.map(({ y }) => y));
  const spread = sum(points.map(({ x }) => (x - centre) ** 2));
  const slope = sum(points.map(({ x, y }) => (x - centre) * (y - middle))) / spread;
  const fromSamples = Math.sqrt(sum(points.map(({ x, error }) => ((x - centre) * error) ** 2))) / spread;
  const offTheLine = sum(points.map(({ x, y }) => (y - middle - slope * (x - centre)) ** 2));
  const fromScatter = points.length > 2 ? Math.sqrt(offTheLine / (points.length - 2) / spread) : 0;
  const margin = Z_95 * Math.max(fromSamples, fromScatter);
  return {
    exponent: { value: slope, low: slope - margin, high: slope + margin },
    ratio: ratioOf(last.measured, first.measured)!,
  };
}

/**
 * How many times `below` is `above`, whose intervals are those of 95 %; the ratio's is of `level`. `undefined` where one
 * of them may be 0.
 */
export function ratioOf(above: Percentile, below: Percentile, level: 0.95 | 0.99 = 0.95): Percentile | undefined {
  if (above.low <= 0 || below.low <= 0) return undefined;
  const value = above.value / below.value;
  const z = level === 0.95 ? Z_95 : Z_99;
  const factor = Math.exp(z * Math.hypot(standardError(above), standardError(below)));
  return { value, low: value / factor, high: value * factor };
}

/** Of the logarithm: half of the interval on that scale, over 1.96. */
function standardError({ low, high }: Percentile): number {
  return (Math.log(high) - Math.log(low)) / (2 * Z_95);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
