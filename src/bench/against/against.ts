import path from 'node:path';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { Environment } from '../../config/environment.ts';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { messageOf, StructdbError } from '../../core/errors.ts';
import { asStep } from '../../core/progress.ts';
import type { Database } from '../../database/types.ts';
import { loadMigrations, type Registry, registry as shipped } from '../../migrate/index.ts';
import { createKysely, describeConnection } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { comparedPlans } from '../compare/changed-access.ts';
import { compareQueries, type QueryPair } from '../compare/compare-queries.ts';
import { DEFAULT_THRESHOLD, describePoint, verdictOf } from '../compare/compare-runs.ts';
import type { ComparedPoint, Comparison } from '../compare/comparison.ts';
import { withFilled } from '../data/filled.ts';
import { fingerprintRows } from '../data/fingerprint.ts';
import { type BenchEnvironment, type Difference, differencesOf, readEnvironment } from '../environment.ts';
import { Crew } from '../measure/crew.ts';
import { request } from '../measure/request.ts';
import { readOnly } from '../measure/station.ts';
import { warmUp } from '../measure/warm-up.ts';
import { capturePlans } from '../plans/capture.ts';
import type { PlanRecord } from '../plans/plan-record.ts';
import type { DataFacts } from '../result.ts';
import { BUILT_IN_SUITE, type LoadedSuite, loadSuite } from '../suite/load-suite.ts';
import type { Suite, SuiteQuery, SuiteSources } from '../suite/query.ts';
import { setUpSuite } from '../suite/set-up.ts';
import { withPastProject } from './checkout.ts';
import { interleave } from './interleave.ts';

/** What the project as it is now is timed against. */
export type Rival =
  /** The same schema and queries on another server. */
  | { readonly kind: 'server'; readonly connection: ConnectionSettings }
  /** The schema, and the project's own queries, of an earlier commit, on the same server. */
  | { readonly kind: 'commit'; readonly ref: string };

export interface AgainstOptions {
  readonly connection: ConnectionSettings;
  readonly rival: Rival;
  readonly project: { readonly root: string; readonly environment: Environment };
  /** The project's folder of migrations, relative to it; absent: those that ship. */
  readonly migrations?: string | undefined;
  readonly sources: SuiteSources;
  readonly projects: number;
  readonly seed: number;
  readonly clients: number;
  readonly samples: number;
  readonly threshold?: number | undefined;
}

/** One of the two. */
export interface AgainstSide {
  /** `the project as it is`, a commit, or a server. */
  readonly name: string;
  readonly server: string;
  readonly commit: string | null;
  /** The last that was applied. */
  readonly migration: string | null;
}

export interface AgainstResult {
  readonly at: string;
  readonly durationMs: number;
  /** The rival, and the project as it is. */
  readonly before: AgainstSide;
  readonly after: AgainstSide;
  readonly samples: number;
  readonly threshold: number;
  readonly differences: readonly Difference[];
  /** What could not be taken from the rival, and queries that only one side can answer. */
  readonly notes: readonly string[];
  readonly points: readonly [ComparedPoint];
  readonly verdict: Comparison['verdict'];
}

/** What one side needs before its database is made. */
interface SidePlan {
  readonly name: string;
  readonly connection: ConnectionSettings;
  readonly registry: Registry;
  readonly suite: LoadedSuite;
}

/** A side that can be asked. */
interface OpenSide extends SidePlan {
  readonly workspace: ConnectionSettings;
  readonly parameters: unknown;
  readonly environment: BenchEnvironment;
  /** Why a query cannot be asked here, by its name. */
  readonly failing: ReadonlyMap<string, string>;
  readonly data: DataFacts;
}

const WARM_UP_MS = 20_000;

/**
 * Times the project as it is and a rival in turns, each in a database of its own, and compares them query by query. Both
 * databases are dropped at the end, also after an error or Ctrl-C. Steps: `bench.prepare`, `bench.load`, `bench.warm-up`,
 * `bench.plans`, `bench.run`, `bench.drop`.
 * @throws USAGE for a rival that there is not, PERMISSION_DENIED, MIGRATION_FILES_INVALID, BENCH_QUERY_FAILED, INTERRUPTED
 */
export async function benchAgainst(options: AgainstOptions, context: RunContext): Promise<AgainstResult> {
  const { project, migrations, sources, rival, connection } = options;
  const registry = migrations === undefined ? shipped : await loadMigrations(path.resolve(project.root, migrations));
  const suite = await loadSuite(sources);
  const own: SidePlan = { name: 'the project as it is', connection, registry, suite };
  if (rival.kind === 'server') {
    const other = { ...own, name: describeConnection(rival.connection), connection: rival.connection };
    return measureBoth(other, own, null, [], options, context);
  }
  // As they are named from the project, wherever the command runs.
  const suites = sources.suites.map((source) =>
    source === BUILT_IN_SUITE ? source : path.relative(project.root, path.resolve(sources.projectRoot, source)),
  );
  const files = suites.filter((source) => source !== BUILT_IN_SUITE);
  const paths = [...(migrations === undefined ? [] : [migrations]), ...files];
  if (paths.length === 0) {
    throw new StructdbError(
      'USAGE',
      'Nothing of this project differs between its commits: the schema and the queries are those that ship with structdb.',
      {
        hint: 'Name its folder of migrations (migrations.directory) or its suites (bench.suites) in structdb.config.ts.',
      },
    );
  }
  const outside = paths.find((each) => each.startsWith('..') || path.isAbsolute(each));
  if (outside !== undefined) {
    throw new StructdbError('USAGE', `${outside} is not in the project, so that no commit of it has it.`, {
      hint: `Move it below ${project.root}, or give --against the URL of a server.`,
    });
  }
  const checkout = { root: project.root, environment: project.environment, ref: rival.ref, paths };
  return withPastProject(checkout, context, async ({ root, commit, missing }) => {
    const notes = missing.map((each) => `${rival.ref} has no ${each}: it is taken as it is now`);
    const other: SidePlan = {
      name: `${rival.ref} (${commit.slice(0, 10)})`,
      connection,
      registry:
        migrations === undefined || missing.includes(migrations)
          ? registry
          : await loadMigrations(path.join(root, migrations)),
      suite:
        files.length === 0 || files.some((file) => missing.includes(file))
          ? suite
          : await loadSuite({ suites, projectRoot: root }),
    };
    if (migrations === undefined) notes.push('The schema is the one that ships with structdb, on both sides');
    return measureBoth(other, own, commit, notes, options, context);
  });
}

async function measureBoth(
  before: SidePlan,
  after: SidePlan,
  commit: string | null,
  notes: readonly string[],
  options: AgainstOptions,
  context: RunContext,
): Promise<AgainstResult> {
  const at = context.clock.now();
  const began = context.clock.monotonicMs();
  const { clients, samples, seed, threshold = DEFAULT_THRESHOLD, project } = options;
  return withSide(before, options, context, (old) =>
    withSide(after, options, context, async (young) => {
      const [broken] = young.failing.values();
      if (broken !== undefined)
        throw new StructdbError('BENCH_QUERY_FAILED', broken, { hint: 'Mend it in the suite.' });
      const asked = commonQueries(old, young);
      const plans = await bothPlans(old, young, asked, context);
      const raws = await timeBoth([old, young], asked, { clients, samples, seed }, context);
      stopIfInterrupted(context);
      const pairs = asked.map(
        ({ after: { name, class: group } }, place): QueryPair => ({
          ...{ name, class: group, group },
          before: raws[0][place]!,
          after: raws[1][place]!,
        }),
      );
      const only = (side: OpenSide) =>
        side.suite.queries.map(({ name }) => name).filter((name) => !pairs.some((pair) => pair.name === name));
      const point: ComparedPoint = {
        title: `${describePoint({ data: young.data, clients, loop: { kind: 'closed' } })}, both in turns`,
        data: young.data,
        clients,
        queries: compareQueries(pairs, { threshold, interleaved: true }),
        added: only(young),
        removed: only(old),
        plans,
      };
      const current = young.environment.commit;
      return {
        at: at.toISOString(),
        durationMs: Math.round(context.clock.monotonicMs() - began),
        before: sideOf(old, commit),
        after: sideOf(young, current === null ? null : `${current.hash}${current.changed ? ' with changes' : ''}`),
        samples,
        threshold,
        differences: differencesOf(old.environment, young.environment),
        notes: [...notes, ...[...old.failing].map(([name, why]) => `${name} cannot be asked of ${old.name}: ${why}`)],
        points: [point],
        verdict: verdictOf([point]),
      };
    }),
  );

  function sideOf({ name, environment, registry }: OpenSide, hash: string | null): AgainstSide {
    return {
      name,
      server: environment.server.version,
      commit: hash,
      migration: Object.keys(registry).sort().at(-1) ?? null,
    };
  }

  /** Makes the database of a side, and tries every query in it. */
  function withSide<T>(
    plan: SidePlan,
    { projects }: AgainstOptions,
    outer: RunContext,
    work: (side: OpenSide) => Promise<T>,
  ): Promise<T> {
    const { connection, registry, suite } = plan;
    const runSetUp = (workspace: ConnectionSettings) => setUpSuite(suite, workspace, outer);
    // Fresh ones: two sides with the same schema could not share one that is kept.
    const filled = { connection, projects, seed, registry, keep: false, fresh: true, setUp: suite.setUp, runSetUp };
    return withFilled(filled, outer, async ({ connection: workspace, rows, reused }, fingerprint) => {
      const { parameters, statements, failing } = await tryAll(suite, workspace);
      const environment = await readEnvironment({ workspace, statements, project }, outer);
      const { payloads, events } = rows;
      const rowsFingerprint = await fingerprintRows({ projects, seed });
      const data = { projects, payloads, events, seed, fingerprint, rowsFingerprint, reused };
      return work({ ...plan, workspace, parameters, environment, failing, data });
    });
  }
}

async function tryAll(
  suite: Suite,
  workspace: ConnectionSettings,
): Promise<{ parameters: unknown; statements: Map<string, string>; failing: Map<string, string> }> {
  const db = await createKysely<Database>(readOnly(workspace), profiles.bench, { max: 1 });
  try {
    const parameters = await suite.draw(db);
    const statements = new Map<string, string>();
    const failing = new Map<string, string>();
    for (const [place, query] of suite.queries.entries()) {
      try {
        statements.set(query.name, query.build(db, parameters, 0).compile().sql);
        await request({ db, queries: suite.queries, parameters, clients: 1 }, place, 0, () => {});
      } catch (error) {
        if (!(error instanceof StructdbError) || !error.code.startsWith('BENCH_QUERY')) throw error;
        failing.set(query.name, messageOf(error));
      }
    }
    return { parameters, statements, failing };
  } finally {
    await db.destroy();
  }
}

interface CommonQuery {
  readonly before: SuiteQuery<unknown>;
  readonly after: SuiteQuery<unknown>;
}

function commonQueries(old: OpenSide, young: OpenSide): CommonQuery[] {
  return young.suite.queries.flatMap((after) => {
    const before = old.suite.queries.find(({ name }) => name === after.name);
    return before === undefined || old.failing.has(after.name) ? [] : [{ before, after }];
  });
}

async function bothPlans(old: OpenSide, young: OpenSide, asked: readonly CommonQuery[], context: RunContext) {
  const take = async (
    { workspace: connection, parameters }: OpenSide,
    queries: readonly SuiteQuery<unknown>[],
  ): Promise<readonly PlanRecord[]> => (await capturePlans({ connection, queries, parameters }, context)).records;
  return comparedPlans(
    await take(
      old,
      asked.map(({ before }) => before),
    ),
    await take(
      young,
      asked.map(({ after }) => after),
    ),
  );
}

async function timeBoth(
  [old, young]: readonly [OpenSide, OpenSide],
  asked: readonly CommonQuery[],
  { clients, samples, seed }: { readonly clients: number; readonly samples: number; readonly seed: number },
  context: RunContext,
) {
  // Classes are those of the project as it is, on both sides: queries of a class run together.
  const queriesOf = (side: 'before' | 'after') => asked.map((pair) => ({ ...pair[side], class: pair.after.class }));
  const open = ({ workspace, suite, parameters }: OpenSide, queries: SuiteQuery<unknown>[]) =>
    Crew.open({ connection: workspace, suite: { ...suite, queries }, parameters, clients, workers: 1 });
  const first = await open(old, queriesOf('before'));
  try {
    const second = await open(young, queriesOf('after'));
    try {
      const queries = queriesOf('after');
      await asStep(context, 'bench.warm-up', 'Warming up both', async () => {
        for (const crew of [first, second]) await warmUp(crew, queries, WARM_UP_MS, context.signal);
      });
      const message = `Timing ${queries.length} queries on both sides in turns, ${samples} times each, from ${clients} clients`;
      return await asStep(context, 'bench.run', message, () =>
        interleave({
          ...{ crews: [first, second] as const, queries, samples, seed, signal: context.signal },
          onProgress: (done) =>
            context.report({
              ...{ kind: 'progress', step: 'bench.run', done, unit: 'items' },
              total: 2 * samples * queries.length,
            }),
        }),
      );
    } finally {
      await second.close();
    }
  } finally {
    await first.close();
  }
}
