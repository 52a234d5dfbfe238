import { type BenchResult, newestRunFile, readStoredFile } from '../../bench/index.ts';
import { catalogProvenance, verifyCatalogs } from '../../catalog/index.ts';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { Config } from '../../config/schema.ts';
import { usedStores } from '../../config/store-names.ts';
import { interrupted, type RunContext } from '../../core/context.ts';
import { messageOf, StructdbError } from '../../core/errors.ts';
import { asStep } from '../../core/progress.ts';
import { redact } from '../../core/redact.ts';
import { drillHistory, type PastDrill } from '../../drill/index.ts';
import { verify } from '../../migrate/index.ts';
import { type Fact, Monitor, type MonitorOptions } from '../../monitor/index.ts';
import type { CatalogEvidence, Evidence } from './evidence.ts';
import { askService } from './service.ts';

export interface GatherOptions extends MonitorOptions {
  readonly config: Config;
  /** Catalog files to compare the database with, besides those that ship and were imported. Absolute. */
  readonly catalogFiles: readonly string[];
}

/**
 * Reads all the evidence, one part after another. Nothing that cannot be read keeps the rest from being read: the server may
 * be down. The schema is compared in a scratch database; beyond that nothing is written. @throws INTERRUPTED
 */
export async function gather(options: GatherOptions, context: RunContext): Promise<Evidence> {
  const { config, targets, places } = options;
  const [connection] = targets;
  const monitor = new Monitor(options, context);
  try {
    await asStep(context, 'report.monitor', 'Looking at the promises', () => monitor.look());
    const { facts, view } = monitor;
    const quiet = { ...context, report: () => {} };
    const part = <T>(work: () => Promise<T>) => factOf(work, context);
    const schema = await asStep(context, 'report.schema', 'Comparing the schema with its migrations', () =>
      part(async () => verify({ connection, registry: await options.migrations(), places }, quiet)),
    );
    const catalogs = await asStep(context, 'report.catalogs', 'Comparing the catalogs with their files', () =>
      part(() => readCatalogs(connection, options.catalogFiles, quiet)),
    );
    const evidence = {
      facts,
      promises: view.promises,
      schema,
      catalogs,
      bench: await part(() => readBench(options.root)),
      drills: await part(() => readDrills(options, systemOf(facts))),
      service: await part(() => askService(config.monitor, context.signal)),
    };
    if (context.signal.aborted) throw interrupted();
    return {
      // Behind all that was read: nothing of it is dated in the future.
      at: context.clock.now(),
      objectives: config.objectives,
      database: `${connection.database} on ${connection.host}:${connection.port}`,
      serverVersion: view.databases[0]?.serverVersion ?? null,
      ...evidence,
    };
  } finally {
    await monitor.close();
  }
}

/** Those that ship are compared where their very bytes were imported: others are no source of what is there. */
async function readCatalogs(
  connection: ConnectionSettings,
  files: readonly string[],
  context: RunContext,
): Promise<CatalogEvidence> {
  const provenance = await catalogProvenance({ connection }, context);
  const compare = [...new Set([...provenance.shippedFiles, ...files])];
  const compared = compare.length === 0 ? [] : (await verifyCatalogs({ connection, files: compare }, context)).files;
  return { ...provenance, compared };
}

async function readBench(root: string): Promise<BenchResult | null> {
  const file = await newestRunFile({ root });
  return file === undefined ? null : (await readStoredFile(file)).result;
}

/** Of this cluster; of every one in the stores where the server does not say which it is. */
async function readDrills(
  { config, openStore }: GatherOptions,
  systemIdentifier: string | undefined,
): Promise<PastDrill[]> {
  const stores = await Promise.all(usedStores(config.backup).map(({ name }) => openStore(name)));
  const past = await drillHistory({ stores });
  return past.filter((drill) => systemIdentifier === undefined || drill.systemIdentifier === systemIdentifier);
}

function systemOf({ wal }: Evidence['facts']): string | undefined {
  return wal.ok ? wal.value?.server?.systemIdentifier : undefined;
}

async function factOf<T>(work: () => Promise<T>, context: RunContext): Promise<Fact<T>> {
  try {
    const value = await work();
    return { ok: true, at: context.clock.now(), value, stale: null };
  } catch (error) {
    if (context.signal.aborted) throw interrupted();
    const hint = error instanceof StructdbError ? error.hint : undefined;
    return {
      ok: false,
      at: context.clock.now(),
      error: redact(messageOf(error)),
      hint: hint === undefined ? null : redact(hint),
    };
  }
}
