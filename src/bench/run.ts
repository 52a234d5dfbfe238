import { randomBytes } from 'node:crypto';
import type { ConnectionSettings } from '../config/connection.ts';
import type { Objectives } from '../config/schema.ts';
import type { RunContext } from '../core/context.ts';
import type { Database } from '../database/types.ts';
import { createKysely, withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { requireSupportedServer } from '../postgres/server-version.ts';
import { defaultSample } from '../sample/index.ts';
import { prepare } from './data/prepare.ts';
import { withWorkspace } from './data/workspace.ts';
import { worstOf } from './judge/verdict.ts';
import { measurePoint } from './point.ts';
import type { BenchResult, DataFacts, Point } from './result.ts';
import { factsOf, loadSuite } from './suite/load-suite.ts';
import type { Suite } from './suite/query.ts';

export interface BenchOptions {
  readonly connection: ConnectionSettings;
  readonly objectives: Objectives;
  /** An empty database of the caller's on the same server; emptied again. Without it a new one is created and dropped. */
  readonly into?: string;
  readonly projects?: number;
  readonly seed?: number;
  /** Sessions that query at the same time. */
  readonly clients?: number;
  /** Timed runs of each query. */
  readonly samples?: number;
}

export const BENCH_DEFAULTS = Object.freeze({ ...defaultSample, clients: 4, samples: 500 });

/**
 * Times a suite of queries in a database of its own and judges them by the objectives. Steps: `bench.prepare`,
 * `bench.warm-up`, `bench.run`, `bench.connections`, `bench.drop`.
 * @throws PERMISSION_DENIED, TARGET_NOT_EMPTY, LOCKED, SERVER_TOO_OLD, INTERRUPTED, and what connecting throws. A missed
 * target is no error here: `judgeBench` makes one of it.
 */
export async function bench(options: Readonly<BenchOptions>, context: RunContext): Promise<BenchResult> {
  const { projects, seed, clients, samples } = { ...BENCH_DEFAULTS, ...options };
  const { connection, objectives, into } = options;
  const at = context.clock.now();
  const began = context.clock.monotonicMs();
  const suite = await loadSuite();
  const server = await readServer(connection, context);
  return withWorkspace(connection, into, context, async (workspace) => {
    const { payloads, events } = await prepare(workspace, { projects, seed }, context);
    const data: DataFacts = { projects, payloads, events, seed };
    const points: Point[] = [await measurePoint({ workspace, suite, data, clients, samples, objectives }, context)];
    return {
      format: 2,
      id: `${at.toISOString().replace(/[-:]|\.\d+/g, '')}-${randomBytes(2).toString('hex')}`,
      at: at.toISOString(),
      durationMs: Math.round(context.clock.monotonicMs() - began),
      server,
      database: workspace.database,
      suite: factsOf(suite, await statementsOf(suite, workspace)),
      points,
      verdict: worstOf(points.map(({ verdict }) => verdict)),
    };
  });
}

function readServer(connection: ConnectionSettings, context: RunContext): Promise<string> {
  return withClient(connection, profiles.probe, context, async (client) => {
    await requireSupportedServer(client);
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    return rows[0]!.server_version;
  });
}

/** As they are compiled for the first turn. */
async function statementsOf(suite: Suite, connection: ConnectionSettings): Promise<string[]> {
  const db = await createKysely<Database>(connection, profiles.bench, { max: 1 });
  try {
    const parameters = await suite.draw(db);
    return suite.queries.map((query) => query.build(db, parameters, 0).compile().sql);
  } finally {
    await db.destroy();
  }
}
