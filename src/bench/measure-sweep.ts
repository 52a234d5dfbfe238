import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import type { SearchPlaces } from '../programs/find.ts';
import { type FilledOptions, withFilled } from './data/filled.ts';
import { fingerprintRows } from './data/fingerprint.ts';
import type { Workspace } from './data/workspace.ts';
import { type BenchEnvironment, type EnvironmentOptions, readEnvironment } from './environment.ts';
import { decideGrowth } from './growth/decide-growth.ts';
import { askingAlone } from './measure/asking-alone.ts';
import type { MeasuredPoint, PointOptions } from './measured-point.ts';
import { measurePoint } from './point.ts';
import type { DataFacts } from './result.ts';
import { measureSideBySide, type SideBySide } from './side-by-side/side-by-side.ts';
import type { LoadedSuite } from './suite/load-suite.ts';
import type { Suite } from './suite/query.ts';
import { setUpSuite } from './suite/set-up.ts';

export interface SweepOptions {
  /** Ascending, each once; so are `concurrencies`. */
  readonly sizes: readonly number[];
  readonly concurrencies: readonly number[];
  readonly suite: LoadedSuite;
  /** How each size is filled. */
  readonly filled: Pick<FilledOptions, 'connection' | 'seed' | 'keep' | 'into' | 'afterLoad' | 'registry'>;
  /** How each point is measured. */
  readonly how: Pick<PointOptions, 'samples' | 'maxSamples' | 'ratePerSecond' | 'prepare' | 'workers' | 'objectives'>;
  /** Time that is left for all of it, ms. */
  readonly left: () => number;
  /** Asks at the first size through pg alone and pgbench too. */
  readonly sideBySide: SearchPlaces | undefined;
  readonly project: EnvironmentOptions['project'];
}

export interface MeasuredSweep {
  /** In the order in which they were measured; fewer than were asked for when it was interrupted. */
  readonly points: readonly MeasuredPoint[];
  /** Where the first size was measured. */
  readonly database: string;
  /** Of each query, by its name. */
  readonly statements: ReadonlyMap<string, string>;
  readonly environment: BenchEnvironment;
  readonly sideBySide: SideBySide | undefined;
  /** Rounds in which queries whose growth was undecided ran further; undefined where they could not. */
  readonly growthRounds: number | undefined;
}

/**
 * Measures every size at every concurrency. The database of the smallest size stays until the largest has shown how much
 * each query grew, so that what that leaves undecided can run further at both; those between count only for the fitted
 * line, and one is gone before the next is filled. A database of the caller's holds one size at a time.
 */
export async function measureSweep(options: SweepOptions, context: RunContext): Promise<MeasuredSweep> {
  const { sizes, concurrencies, suite, filled, how, left, sideBySide: places, project } = options;
  const { signal } = context;
  const points: MeasuredPoint[] = [];
  let first: Pick<MeasuredSweep, 'database' | 'statements' | 'environment'> | undefined;
  let sideBySide: SideBySide | undefined;
  let growthRounds: number | undefined;
  const staysOpen = sizes.length > 1 && filled.into === undefined;
  // What growth leaves undecided is a part of the time of its own.
  const parts = concurrencies.length * (sizes.length + (staysOpen ? 1 : 0));
  const isEnded = () => points.some(({ complete }) => !complete);

  const measureSize = async ({ connection: workspace, rows, reused }: Workspace, fingerprint: string) => {
    const { projects, payloads, events } = rows;
    const rowsFingerprint = await fingerprintRows({ projects, seed: filled.seed });
    const data: DataFacts = { projects, payloads, events, seed: filled.seed, fingerprint, rowsFingerprint, reused };
    const isFirst = first === undefined;
    first ??= await readFirst(workspace, suite, project, context);
    for (const clients of concurrencies) {
      const limitMs = left() / (parts - points.length);
      points.push(await measurePoint({ workspace, suite, data, clients, ...how, limitMs }, context));
      if (isEnded()) return;
    }
    if (!isFirst || places === undefined) return;
    const asked = { workspace, suite, clients: concurrencies[0]!, samples: how.samples, places };
    sideBySide = await measureSideBySide(asked, context);
  };
  const inSize = (projects: number, later: readonly number[], work: typeof measureSize) =>
    withFilled(
      {
        ...filled,
        ...{ projects, later, setUp: suite.setUp },
        runSetUp: (workspace) => setUpSuite(suite, workspace, context),
      },
      context,
      work,
    );
  const goOnWithGrowth = async () => {
    growthRounds = 0;
    for (const [place, clients] of concurrencies.entries()) {
      const [smallest, ...larger] = points.filter((point) => point.options.clients === clients);
      const limitMs = left() / (concurrencies.length - place);
      growthRounds += await decideGrowth({ smallest: smallest!, largest: larger.at(-1)! }, limitMs, context);
    }
  };
  const [smallest, ...larger] = sizes;
  const measureLarger = async () => {
    for (const size of larger) {
      if (isEnded()) return;
      await inSize(size, [], async (workspace, fingerprint) => {
        await measureSize(workspace, fingerprint);
        if (staysOpen && size === larger.at(-1) && !isEnded()) await goOnWithGrowth();
      });
    }
  };
  try {
    await inSize(smallest!, larger, async (workspace, fingerprint) => {
      await measureSize(workspace, fingerprint);
      if (staysOpen) await measureLarger();
    });
    if (!staysOpen) await measureLarger();
  } catch (error) {
    // Interrupted before the next point was measured: those that were are kept.
    if (points.length === 0 || !signal.aborted) throw error;
  }
  return { points, ...first!, sideBySide, growthRounds };
}

async function readFirst(
  workspace: ConnectionSettings,
  suite: Suite,
  project: SweepOptions['project'],
  context: RunContext,
): Promise<Pick<MeasuredSweep, 'database' | 'statements' | 'environment'>> {
  const statements = await statementsOf(suite, workspace, context);
  const environment = await readEnvironment({ workspace, statements, project }, context);
  return { database: workspace.database, statements, environment };
}

/** As they are compiled for the first turn, by the names of the queries. */
function statementsOf(suite: Suite, connection: ConnectionSettings, context: RunContext): Promise<Map<string, string>> {
  return askingAlone(connection, context, async (db) => {
    const parameters = await suite.draw(db);
    return new Map(suite.queries.map((query) => [query.name, query.build(db, parameters, 0).compile().sql]));
  });
}
