import type { Objectives } from '../../config/schema.ts';
import { formatCount } from '../../core/units.ts';
import type { Verdict } from '../judge/verdict.ts';
import type { Growth, Point, QueryGrowth, ThroughputGrowth } from '../result.ts';
import { QUERY_CLASSES, type QueryClass } from '../suite/query.ts';
import { fitPower, ratioOf, type Step } from './power-fit.ts';

/** The growth of data that `objectives.simpleGrowth` speaks of. */
const HUNDREDFOLD = 100;

/** How each query grows over the points of a run. Nothing where only one size, or one number of clients, was measured. */
export function growthOf(points: readonly Point[], objectives: Pick<Objectives, 'simpleGrowth'>): Growth {
  const sizeOf = ({ data }: Point) => data.projects;
  const clientsOf = ({ clients }: Point) => clients;
  return {
    withData: sweeps(points, clientsOf).flatMap(([clients, sweep]) =>
      growQueries(sweep, sizeOf, clients, (name, ratioOfSizes) => growthTargetOf(name, ratioOfSizes, objectives)),
    ),
    withClients: sweeps(points, sizeOf).flatMap(([projects, sweep]) =>
      growQueries(sweep, clientsOf, projects, () => null),
    ),
    throughput: sweeps(points, sizeOf).flatMap(([projects, sweep]) => growThroughput(sweep, projects)),
  };
}

/** How many times slower a query of that class may be for so many times the data; null where growth is not judged. */
export function growthTargetOf(
  name: QueryClass,
  ratioOfSizes: number,
  { simpleGrowth }: Pick<Objectives, 'simpleGrowth'>,
): number | null {
  return name === 'simple' ? growthTarget(simpleGrowth, ratioOfSizes) : null;
}

/** What a hundredfold may cost, for another ratio of sizes: the same exponent. 1.5 for a hundredfold is 1.22 for a tenfold. */
export function growthTarget(forHundredfold: number, ratioOfSizes: number): number {
  return forHundredfold ** (Math.log(ratioOfSizes) / Math.log(HUNDREDFOLD));
}

/** A line for each growth with that verdict, for people. */
export function growthLines({ withData }: Growth, verdict: Verdict): string[] {
  return withData
    .filter((growth) => growth.verdict === verdict)
    .map(({ name, ratio, target, steps, at }) => {
      const sizes = `from ${formatCount(steps[0]!.size)} to ${formatCount(steps.at(-1)!.size)} projects`;
      const limit = `target at most ${target!.toFixed(2)} × slower`;
      return ratio === null
        ? `${name}: too few samples for its growth ${sizes} with ${at} clients`
        : `${name}: ${ratio.value.toFixed(2)} × slower (${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)}) ${sizes} with ${at} clients, ${limit}`;
    });
}

/** The points that have the same of one thing, by it, where they have more than one of the other. */
function sweeps(points: readonly Point[], fixed: (point: Point) => number): [number, readonly Point[]][] {
  return [...Map.groupBy(points, fixed)].filter(([, sweep]) => sweep.length > 1);
}

function growQueries(
  sweep: readonly Point[],
  sizeOf: (point: Point) => number,
  at: number,
  targetOf: (name: QueryClass, ratioOfSizes: number) => number | null,
): QueryGrowth[] {
  const ascending = sweep.toSorted((a, b) => sizeOf(a) - sizeOf(b));
  const ratioOfSizes = sizeOf(ascending.at(-1)!) / sizeOf(ascending[0]!);
  return ascending[0]!.queries.map(({ name, class: queryClass }) => {
    const steps = ascending.map((point) => ({
      size: sizeOf(point),
      p50: point.queries.find((query) => query.name === name)?.p50 ?? null,
    }));
    const known = steps.filter(({ p50 }) => p50 !== null);
    // A fit over a part of the sizes would not be what its name says; the ratio is that of the ends alone.
    const fit =
      known.length === steps.length
        ? fitPower(known.map(({ size, p50 }): Step => ({ size, measured: p50! })))
        : undefined;
    const [smallest, largest] = [steps[0]!.p50, steps.at(-1)!.p50];
    const ratio = smallest && largest ? (ratioOf(largest, smallest) ?? null) : null;
    const target = targetOf(queryClass, ratioOfSizes);
    return {
      name,
      class: queryClass,
      at,
      steps,
      exponent: fit?.exponent ?? null,
      ratio,
      target,
      verdict: target === null ? null : judgeRatio(ratio, target),
    };
  });
}

/** Of the classes that every point has. */
function growThroughput(sweep: readonly Point[], at: number): ThroughputGrowth[] {
  const ascending = sweep.toSorted((a, b) => a.clients - b.clients);
  return QUERY_CLASSES.flatMap((name) => {
    const steps = ascending.flatMap(({ clients: size, throughput }) => {
      const found = throughput.find((each) => each.class === name);
      return found ? [{ size, perSecond: found.perSecond }] : [];
    });
    if (steps.length < ascending.length) return [];
    const fit = fitPower(steps.map(({ size, perSecond }) => ({ size, measured: perSecond })));
    return fit === undefined ? [] : [{ class: name, at, steps, ...fit }];
  });
}

/** Whether a query became at most so many times slower: the whole interval of the ratio must say so. */
export function judgeRatio(ratio: QueryGrowth['ratio'], target: number): Verdict {
  if (!ratio) return 'inconclusive';
  if (ratio.high <= target) return 'pass';
  return ratio.low > target ? 'fail' : 'inconclusive';
}
