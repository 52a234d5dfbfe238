import path from 'node:path';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { Environment } from '../../config/environment.ts';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { loadMigrations, registry as shipped } from '../../migrate/index.ts';
import { describeConnection } from '../../postgres/connect.ts';
import { compareQueries, type QueryPair } from '../compare/compare-queries.ts';
import { DEFAULT_THRESHOLD, verdictOf } from '../compare/compare-runs.ts';
import type { ComparedPoint } from '../compare/comparison.ts';
import { differencesOf } from '../environment.ts';
import { describePoint } from '../point-name.ts';
import { newResultId } from '../result-id.ts';
import { BUILT_IN_SUITE, loadSuite } from '../suite/load-suite.ts';
import type { SuiteSources } from '../suite/query.ts';
import { withPastProject } from './checkout.ts';
import type { AgainstResult, AgainstSide } from './result.ts';
import { type OpenSide, type SidePlan, withSide } from './side.ts';
import { bothPlans, commonQueries, timeBoth } from './time-both.ts';

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
  /** Whether statements that come again are prepared, on both sides; they are by default. */
  readonly prepare?: boolean;
  readonly threshold?: number | undefined;
}

/**
 * Times the project as it is and a rival in turns, each in a database of its own, and compares them query by query. Both
 * databases are dropped at the end, also after an error or Ctrl-C. Steps: `bench.prepare`, `bench.load`, `bench.warm-up`,
 * `bench.plans`, `bench.run`, `bench.drop`.
 * @throws USAGE for a rival that there is not, PERMISSION_DENIED, MIGRATION_FILES_INVALID, BENCH_QUERY_FAILED,
 * BENCH_NOT_COMPARABLE where no query can be asked of both, INTERRUPTED
 */
export async function benchAgainst(options: AgainstOptions, context: RunContext): Promise<AgainstResult> {
  const result = await openBoth(options, context);
  // Who stopped it while the databases were dropped is not told of a success either.
  stopIfInterrupted(context);
  return result;
}

async function openBoth(options: AgainstOptions, context: RunContext): Promise<AgainstResult> {
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
  const { clients, samples, seed, prepare = true, threshold = DEFAULT_THRESHOLD } = options;
  return withSide(before, options, context, (old) =>
    withSide(after, options, context, async (young) => {
      const [broken] = young.failing.values();
      if (broken !== undefined)
        throw new StructdbError('BENCH_QUERY_FAILED', broken, { hint: 'Mend it in the suite.' });
      const asked = commonQueries(old, young);
      const unanswered = [...old.failing].map(([name, why]) => `${name} cannot be asked of ${old.name}: ${why}`);
      if (asked.length === 0) {
        throw new StructdbError(
          'BENCH_NOT_COMPARABLE',
          `There is no query that both ${young.name} and ${old.name} can answer.`,
          {
            details: unanswered,
            hint: 'Name another rival, or a suite that both can answer: --suite <file>',
          },
        );
      }
      const plans = await bothPlans(old, young, asked, { prepare }, context);
      const raws = await timeBoth([old, young], asked, { clients, samples, seed, prepare }, context);
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
        title: `${describePoint({ data: young.data, clients, loop: { kind: 'closed' } })}, both in turns${prepare ? '' : ', without prepared statements'}`,
        data: young.data,
        clients,
        queries: compareQueries(pairs, { threshold, interleaved: true }),
        added: only(young),
        removed: only(old),
        plans,
      };
      const current = young.environment.commit;
      return {
        id: newResultId(at),
        at: at.toISOString(),
        durationMs: Math.round(context.clock.monotonicMs() - began),
        suite: young.suite.name,
        environment: young.environment,
        before: sideOf(old, commit),
        after: sideOf(young, current === null ? null : `${current.hash}${current.changed ? ' with changes' : ''}`),
        samples,
        threshold,
        differences: differencesOf(old.environment, young.environment),
        notes: [...notes, ...unanswered],
        points: [point],
        verdict: verdictOf([point]),
      };
    }),
  );
}

function sideOf({ name, environment, registry }: OpenSide, hash: string | null): AgainstSide {
  return {
    name,
    server: environment.server.version,
    commit: hash,
    migration: Object.keys(registry).sort().at(-1) ?? null,
  };
}
