import type { ConnectionSettings } from '../../config/connection.ts';
import type { Environment } from '../../config/environment.ts';
import type { RunContext } from '../../core/context.ts';
import { messageOf, StructdbError } from '../../core/errors.ts';
import type { Registry } from '../../migrate/index.ts';
import { withFilled } from '../data/filled.ts';
import { fingerprintRows } from '../data/fingerprint.ts';
import { type BenchEnvironment, readEnvironment } from '../environment.ts';
import { askingAlone } from '../measure/asking-alone.ts';
import { request } from '../measure/request.ts';
import type { DataFacts } from '../result.ts';
import type { LoadedSuite } from '../suite/load-suite.ts';
import type { Suite } from '../suite/query.ts';
import { setUpSuite } from '../suite/set-up.ts';

/** What one side needs before its database is made. */
export interface SidePlan {
  readonly name: string;
  readonly connection: ConnectionSettings;
  readonly registry: Registry;
  readonly suite: LoadedSuite;
}

/** A side that can be asked. */
export interface OpenSide extends SidePlan {
  readonly workspace: ConnectionSettings;
  readonly parameters: unknown;
  readonly environment: BenchEnvironment;
  /** Why a query cannot be asked here, by its name. */
  readonly failing: ReadonlyMap<string, string>;
  readonly data: DataFacts;
}

export interface SideOptions {
  readonly projects: number;
  readonly seed: number;
  readonly project: { readonly root: string; readonly environment: Environment };
}

/** Makes the database of a side, and tries every query in it. It is gone at the end, also after an error or Ctrl-C. */
export function withSide<T>(
  plan: SidePlan,
  { projects, seed, project }: SideOptions,
  context: RunContext,
  work: (side: OpenSide) => Promise<T>,
): Promise<T> {
  const { connection, registry, suite } = plan;
  const runSetUp = (workspace: ConnectionSettings) => setUpSuite(suite, workspace, context);
  // Fresh ones: two sides with the same schema could not share one that is kept.
  const filled = { connection, projects, seed, registry, keep: false, fresh: true, setUp: suite.setUp, runSetUp };
  return withFilled(filled, context, async ({ connection: workspace, rows, reused }, fingerprint) => {
    const { parameters, statements, failing } = await tryAll(suite, workspace, context);
    const environment = await readEnvironment({ workspace, statements, project }, context);
    const { payloads, events } = rows;
    const rowsFingerprint = await fingerprintRows({ projects, seed });
    const data = { projects, payloads, events, seed, fingerprint, rowsFingerprint, reused };
    return work({ ...plan, workspace, parameters, environment, failing, data });
  });
}

async function tryAll(
  suite: Suite,
  workspace: ConnectionSettings,
  context: RunContext,
): Promise<{ parameters: unknown; statements: Map<string, string>; failing: Map<string, string> }> {
  return askingAlone(workspace, context, async (db) => {
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
  });
}
