import type { ConnectionSettings } from '../config/connection.ts';
import type { Environment } from '../config/environment.ts';
import type { Objectives } from '../config/schema.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import type { Registry } from '../migrate/index.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { requireSupportedServer } from '../postgres/server-version.ts';
import type { SearchPlaces } from '../programs/find.ts';
import { defaultSample } from '../sample/index.ts';
import { growthOf } from './growth/growth.ts';
import { assessPoint } from './judge/assess-point.ts';
import { worstOf } from './judge/verdict.ts';
import { measureSweep } from './measure-sweep.ts';
import { rawOf } from './measured-point.ts';
import type { BenchResult } from './result.ts';
import { newResultId } from './result-id.ts';
import type { StoredRun } from './store/stored-run.ts';
import { factsOf, loadSuite } from './suite/load-suite.ts';
import type { SuiteSources } from './suite/query.ts';
import { listOf } from './sweep.ts';

export interface BenchOptions {
  readonly connection: ConnectionSettings;
  readonly objectives: Objectives;
  /** An empty database of the caller's on the same server; emptied again. Without it a new one is created and dropped. */
  readonly into?: string;
  /** The size of the data; several are measured one after the other, each in a database of its own, or all in `into`. */
  readonly projects?: number | readonly number[];
  readonly seed?: number;
  /** The migrations that make the schema; those that ship by default. */
  readonly registry?: Registry;
  /** Keeps the databases that are filled, for later runs with the same data. One that is there is used anyway. */
  readonly keep?: boolean;
  /** SQL that is run after loading, to try a change of the schema: an index more, an index less. */
  readonly afterLoad?: string;
  /** Sessions that query at the same time; several are measured one after the other, at each size. */
  readonly clients?: number | readonly number[];
  /** Timed runs of each query. */
  readonly samples?: number;
  /** Of a query that these leave undecided; ten times as many by default. */
  readonly maxSamples?: number;
  /** Requests per second, whether or not earlier ones are answered (open loop); without it a closed loop. */
  readonly rate?: number;
  /** Whether statements that come again are prepared, as `createDatabase` does; they are by default. */
  readonly prepare?: boolean;
  /** Event loops that share the clients; by default as many as the warm-up shows to be needed, up to the processors. */
  readonly workers?: number;
  /** Less data and time, for CI: ends within a minute. */
  readonly quick?: boolean;
  /** Which queries; those of the platform by default. */
  readonly sources?: SuiteSources;
  /** Asks through pg alone and pgbench too, which is looked for here. */
  readonly sideBySide?: SearchPlaces;
  /** Whose commit is told with the result. */
  readonly project?: { readonly root: string; readonly environment: Environment };
}

export const BENCH_DEFAULTS = Object.freeze({ ...defaultSample, clients: 4, samples: 500 });
/** What `quick` has instead: samples for a p95, and what is undecided after that goes on as far as the time allows. */
export const QUICK_DEFAULTS = Object.freeze({ ...BENCH_DEFAULTS, projects: 2000, samples: 200 });
const FURTHER_SAMPLES = 10;
/** Within which a quick run has measured; the rest of the minute is for dropping what it made. */
const QUICK_MS = 42_000;

/**
 * Times a suite of queries in a database of its own and judges them by the objectives. Steps: `bench.prepare`,
 * `bench.warm-up`, `bench.run`, `bench.further`, `bench.connections`, `bench.growth`, `bench.drop`.
 * @throws PERMISSION_DENIED, TARGET_NOT_EMPTY, LOCKED, SERVER_TOO_OLD, INTERRUPTED, and what connecting throws. A missed
 * target is no error here: `judgeBench` makes one of it.
 */
export async function bench(options: Readonly<BenchOptions>, context: RunContext): Promise<BenchResult> {
  return (await measureBench(options, context)).result;
}

/** As `bench`, with every sample: what `storeRun` keeps. */
export async function measureBench(options: Readonly<BenchOptions>, context: RunContext): Promise<StoredRun> {
  const { projects, seed, clients, samples } = { ...(options.quick ? QUICK_DEFAULTS : BENCH_DEFAULTS), ...options };
  const {
    maxSamples = samples * FURTHER_SAMPLES,
    rate: ratePerSecond = null,
    workers = null,
    prepare = true,
  } = options;
  const sizes = listOf(projects);
  const concurrencies = listOf(clients);
  refuseContradictions({ samples, maxSamples, clients: concurrencies.at(-1)!, workers });
  const { connection, objectives, into, keep = false, afterLoad, registry, quick, project } = options;
  const filled = {
    ...{ connection, seed, keep },
    ...(into === undefined ? {} : { into }),
    ...(afterLoad === undefined ? {} : { afterLoad }),
    ...(registry === undefined ? {} : { registry }),
  };
  const at = context.clock.now();
  const began = context.clock.monotonicMs();
  const tookMs = () => context.clock.monotonicMs() - began;
  const suite = await loadSuite(options.sources);
  const server = await readServer(connection, context);
  const how = { samples, maxSamples, ratePerSecond, prepare, workers, objectives };
  const left = () => (quick ? QUICK_MS - tookMs() : Number.POSITIVE_INFINITY);
  const sweep = await measureSweep(
    { sizes, concurrencies, suite, filled, how, left, sideBySide: options.sideBySide, project },
    context,
  );
  const { database, statements, environment, sideBySide, growthRounds } = sweep;
  const points = sweep.points.map(assessPoint);
  const growth = {
    ...growthOf(points, objectives),
    ...(growthRounds === undefined ? {} : { furtherRounds: growthRounds }),
  };
  const isWhole = points.length === sizes.length * concurrencies.length;
  const result: BenchResult = {
    format: 2,
    id: newResultId(at),
    at: at.toISOString(),
    durationMs: Math.round(tookMs()),
    server,
    database,
    suite: factsOf(suite, [...statements.values()]),
    environment,
    points,
    growth,
    ...(sideBySide && { sideBySide }),
    complete: !context.signal.aborted && isWhole && points.every(({ complete }) => complete),
    verdict: worstOf([...points, ...growth.withData].flatMap(({ verdict }) => verdict ?? [])),
  };
  return { result, raw: sweep.points.map(rawOf) };
}

function refuseContradictions({
  samples,
  maxSamples,
  clients,
  workers,
}: {
  readonly samples: number;
  readonly maxSamples: number;
  readonly clients: number;
  readonly workers: number | null;
}): void {
  if (maxSamples < samples) {
    throw new StructdbError('USAGE', `At most ${maxSamples} samples (--max-samples) are less than ${samples}.`, {
      hint: 'Give --max-samples the number of --samples, or more.',
    });
  }
  if (workers !== null && workers > clients) {
    throw new StructdbError('USAGE', `${workers} workers cannot share ${clients} clients.`, {
      hint: 'Give at most as many --workers as --clients.',
    });
  }
}

function readServer(connection: ConnectionSettings, context: RunContext): Promise<string> {
  return withClient(connection, profiles.probe, context, async (client) => {
    await requireSupportedServer(client);
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    return rows[0]!.server_version;
  });
}
