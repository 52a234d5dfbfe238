import { StructdbError } from '../../core/errors.ts';
import { type BenchEnvironment, differencesOf } from '../environment.ts';
import { describePoint } from '../point-name.ts';
import type { BenchResult, Point } from '../result.ts';
import type { StoredRun } from '../store/stored-run.ts';
import { comparedPlans } from './changed-access.ts';
import { compareQueries, type QueryPair } from './compare-queries.ts';
import type { Change, ComparedPoint, Comparison, RunDifference, RunReference } from './comparison.ts';
import { describeDifference } from './words.ts';

export const DEFAULT_THRESHOLD = 0.1;

export interface CompareRunsOptions {
  /** 0.1: a query that is certainly slower by more than 10 % fails. */
  readonly threshold?: number;
  /** Compares also what differs in server, hardware, data or suite. */
  readonly force?: boolean;
}

/** A run with the file it was read from. */
export type ComparedRun = StoredRun & { readonly file?: string };

interface PointPair {
  readonly before: Point;
  readonly after: Point;
  readonly pairs: readonly QueryPair[];
}

/**
 * Compares a run with a baseline, query by query. Pure.
 * @throws BENCH_NOT_COMPARABLE that names each difference of server, hardware, data and suite
 */
export function compareRuns(before: ComparedRun, after: ComparedRun, options: CompareRunsOptions = {}): Comparison {
  const { threshold = DEFAULT_THRESHOLD, force = false } = options;
  const matched = matchPoints(before, after);
  const differences = [
    ...differencesOf(before.result.environment, after.result.environment),
    ...suiteDifferences(before.result, after.result),
    ...matched.flatMap((pair) => [...wayDifferences(pair), ...dataDifferences(pair)]),
  ];
  const grave = differences.filter(isGrave);
  if (matched.length === 0) throw notComparable([pointsApart(before.result, after.result)], { canForce: false });
  if (grave.length > 0 && !force) throw notComparable(grave.map(describeDifference), { canForce: true });
  // Corrected over all queries of all points: each is one more chance of a false alarm.
  const compared = compareQueries(
    matched.flatMap(({ pairs }) => pairs),
    { threshold, interleaved: false },
  );
  const points = matched.map(({ before: old, after: young, pairs }, place): ComparedPoint => {
    const from = matched.slice(0, place).reduce((sum, each) => sum + each.pairs.length, 0);
    const asked = (point: Point, other: Point) =>
      point.queries.map(({ name }) => name).filter((name) => !other.queries.some((query) => query.name === name));
    return {
      title: describePoint(young),
      data: young.data,
      clients: young.clients,
      queries: compared.slice(from, from + pairs.length),
      added: asked(young, old),
      removed: asked(old, young),
      plans: comparedPlans(old.plans, young.plans),
    };
  });
  const onlyIn = (run: StoredRun, side: 'before' | 'after') =>
    run.result.points.filter((point) => !matched.some((pair) => pair[side] === point)).map(describePoint);
  return {
    baseline: referenceTo(before),
    run: referenceTo(after),
    threshold,
    forced: grave.length > 0,
    differences,
    doubts: [
      ...(before.result.complete ? [] : ['The baseline was interrupted: fewer samples than were asked for']),
      ...(after.result.complete ? [] : ['The run was interrupted: fewer samples than were asked for']),
      ...differences.map(
        (each) => `${isGrave(each) ? 'Compared all the same: another' : 'Another'} ${describeDifference(each)}`,
      ),
    ],
    points,
    pointsAdded: onlyIn(after, 'after'),
    pointsRemoved: onlyIn(before, 'before'),
    verdict: verdictOf(points),
  };
}

/** Whether it decides about times for a reason that a comparison is not made for. */
function isGrave({ kind }: RunDifference): boolean {
  return kind !== 'program' && kind !== 'schema';
}

/** Slower and a plan by other indexes or tables fail; what could not be decided leaves it open. */
export function verdictOf(points: readonly Pick<ComparedPoint, 'queries' | 'plans'>[]): Comparison['verdict'] {
  const has = (change: Change) => points.some(({ queries }) => queries.some((query) => query.change === change));
  if (has('slower') || points.some(({ plans }) => plans.some(({ otherAccess }) => otherAccess))) return 'fail';
  return has('undecided') ? 'inconclusive' : 'pass';
}

/** Points of the same size and concurrency, with the queries that both asked. */
function matchPoints(before: StoredRun, after: StoredRun): PointPair[] {
  return after.result.points.flatMap((young, at) => {
    const place = before.result.points.findIndex((old) => describePoint(old) === describePoint(young));
    const old = before.result.points[place];
    if (old === undefined) return [];
    const pairs = after.raw[at]!.flatMap((raw): QueryPair[] => {
      const former = before.raw[place]!.find(({ name }) => name === raw.name);
      const query = young.queries.find(({ name }) => name === raw.name);
      if (former === undefined || query === undefined || former.us.length === 0 || raw.us.length === 0) return [];
      return [{ name: raw.name, class: query.class, group: query.class, before: former, after: raw }];
    });
    return [{ before: old, after: young, pairs }];
  });
}

function suiteDifferences(before: BenchResult, after: BenchResult): RunDifference[] {
  const found: RunDifference[] = [];
  if (before.suite.name !== after.suite.name)
    found.push({ kind: 'suite', what: 'suite', before: before.suite.name, after: after.suite.name });
  const [old, young] = [before.environment.statements, after.environment.statements];
  for (const [name, hash] of Object.entries(young)) {
    const former = old[name];
    if (former !== undefined && former !== hash)
      found.push({ kind: 'suite', what: `statement of ${name}`, before: former, after: hash });
  }
  return found;
}

function wayDifferences({ before, after }: PointPair): RunDifference[] {
  if (before.prepared === after.prepared) return [];
  const [was, is] = [before, after].map(({ prepared }) => (prepared ? 'prepared' : 'not prepared'));
  return [{ kind: 'suite', what: `statements at ${describePoint(after)}`, before: was!, after: is! }];
}

/** What makes rows others, and what is told only: the schema is what a comparison is made for. */
const ROWS = ['projects', 'payloads', 'events', 'seed', 'rowsFingerprint'] as const;

function dataDifferences({ before, after }: PointPair): RunDifference[] {
  const [old, young] = [before.data, after.data];
  const place = describePoint(after);
  const found: RunDifference[] = ROWS.filter((name) => old[name] !== young[name]).map((name) => ({
    ...{ kind: 'data', what: `${name === 'rowsFingerprint' ? 'rows' : name} at ${place}` },
    ...{ before: String(old[name]), after: String(young[name]) },
  }));
  if (found.length === 0 && old.fingerprint !== young.fingerprint)
    found.push({ kind: 'schema', what: `schema at ${place}`, before: old.fingerprint, after: young.fingerprint });
  return found;
}

function pointsApart(before: BenchResult, after: BenchResult): string {
  const list = ({ points }: BenchResult) => points.map(describePoint).join('; ') || 'nothing';
  return `no size and concurrency in common: ${list(after)}, before ${list(before)}`;
}

function notComparable(details: readonly string[], { canForce }: { readonly canForce: boolean }): StructdbError {
  return new StructdbError(
    'BENCH_NOT_COMPARABLE',
    'These runs were not made alike, so that their times cannot be compared.',
    {
      details,
      hint: `Make a baseline here (structdb bench --save-baseline <name>), or time both in one run (structdb bench --against <git ref or URL>)${canForce ? '; --force compares them all the same' : ''}.`,
    },
  );
}

function referenceTo({ result, file }: ComparedRun): RunReference {
  const { commit }: Pick<BenchEnvironment, 'commit'> = result.environment;
  return {
    id: result.id,
    at: result.at,
    file: file ?? null,
    commit: commit === null ? null : `${commit.hash.slice(0, 10)}${commit.changed ? ' with changes' : ''}`,
  };
}
