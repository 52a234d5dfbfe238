/**
 * The Mann–Whitney U test: whether the values of one sample tend to be larger than those of another. It compares ranks, so
 * it assumes nothing about the shape of latencies. The values must be independent of each other.
 */

export interface MannWhitney {
  /** Pairs in which `a` is larger, ties counted as a half; 0 to n1·n2. */
  readonly u: number;
  /** Two-sided: how probable so large a deviation is when both samples are alike. */
  readonly p: number;
  /** Whether p was counted out over all arrangements, and not approximated. */
  readonly exact: boolean;
  /** Rank-biserial correlation, −1 to 1: 1 when every `a` is larger than every `b`. */
  readonly effect: number;
}

/** Up to so many pairs all arrangements are counted, ties included; above, the normal distribution is near enough. */
const EXACT_PAIRS = 400;

/** @param a Not empty, as `b`. */
export function mannWhitney(a: readonly number[], b: readonly number[]): MannWhitney {
  const [m, n] = [a.length, b.length];
  if (m === 0 || n === 0) throw new RangeError('Both samples need a value.');
  const { ranks, tieSizes } = doubledRanks([...a, ...b]);
  const doubledSum = ranks.slice(0, m).reduce((sum, rank) => sum + rank, 0);
  const u = doubledSum / 2 - (m * (m + 1)) / 2;
  const exact = m * n <= EXACT_PAIRS;
  const p = exact ? exactP(ranks, m, doubledSum) : approximateP(u, m, n, tieSizes);
  return { u, p, exact, effect: (2 * u) / (m * n) - 1 };
}

/** The least p that samples of these sizes can give: what cannot fall below a level decides nothing. */
export function leastP(m: number, n: number): number {
  if (m === 0 || n === 0) return 1;
  let arrangements = 1;
  for (let k = 1; k <= Math.min(m, n); k += 1) arrangements *= (m + n + 1 - k) / k;
  return Math.min(1, 2 / arrangements);
}

/** Mid-ranks times two, which makes them whole, in the order of the values; and how many values each tie has. */
function doubledRanks(values: readonly number[]): { ranks: number[]; tieSizes: number[] } {
  const order = values.map((_, place) => place).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Array<number>(values.length);
  const tieSizes: number[] = [];
  for (let first = 0, end = 0; first < order.length; first = end) {
    while (end < order.length && values[order[end]!] === values[order[first]!]) end += 1;
    for (let place = first; place < end; place += 1) ranks[order[place]!] = first + 1 + end;
    tieSizes.push(end - first);
  }
  return { ranks, tieSizes };
}

/**
 * The share of all choices of m of the ranks whose sum is as far from the middle as this one, counted by sums: with ties
 * too, where tables do not hold. At most C(40, 20) = 1.4·10¹¹ choices, exact in a double.
 */
function exactP(ranks: readonly number[], m: number, doubledSum: number): number {
  const total = ranks.reduce((sum, rank) => sum + rank, 0);
  // What the chosen have more, the others have less: the smaller of both is counted.
  const chosen = Math.min(m, ranks.length - m);
  const observed = chosen === m ? doubledSum : total - doubledSum;
  const most = ranks
    .toSorted((a, b) => b - a)
    .slice(0, chosen)
    .reduce((sum, rank) => sum + rank, 0);
  const ways = Array.from({ length: chosen + 1 }, () => new Float64Array(most + 1));
  ways[0]![0] = 1;
  for (const rank of ranks)
    for (let count = chosen; count >= 1; count -= 1) {
      const [from, to] = [ways[count - 1]!, ways[count]!];
      for (let sum = most; sum >= rank; sum -= 1) to[sum]! += from[sum - rank]!;
    }
  const middle = (chosen * total) / ranks.length;
  const deviation = Math.abs(observed - middle);
  let [extreme, all] = [0, 0];
  ways[chosen]!.forEach((count, sum) => {
    all += count;
    if (Math.abs(sum - middle) >= deviation) extreme += count;
  });
  return extreme / all;
}

/** With the correction for ties, and half a rank for continuity (Lehmann, "Nonparametrics", 1.2 and 1.4). */
function approximateP(u: number, m: number, n: number, tieSizes: readonly number[]): number {
  const all = m + n;
  const ties = tieSizes.reduce((sum, size) => sum + size ** 3 - size, 0);
  const variance = ((m * n) / 12) * (all + 1 - ties / (all * (all - 1)));
  if (variance <= 0) return 1;
  const z = Math.max(0, Math.abs(u - (m * n) / 2) - 0.5) / Math.sqrt(variance);
  return Math.min(1, erfc(z / Math.SQRT2));
}

/** Complementary error function for x ≥ 0, to 1.2·10⁻⁷ of its value (Press et al., "Numerical Recipes", erfcc). */
function erfc(x: number): number {
  const t = 1 / (1 + x / 2);
  const coefficients = [
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368,
    -1.26551223,
  ];
  return t * Math.exp(-x * x + coefficients.reduce((sum, coefficient) => sum * t + coefficient, 0));
}
