import { type BackupResult, runBackup } from '../backup/index.ts';
import { type BenchResult, measureBench, storeRun } from '../bench/index.ts';
import { importCatalogs, type ListResult, listCatalogs } from '../catalog/index.ts';
import type { ConnectionSettings } from '../config/connection.ts';
import type { Config, StoreConfig } from '../config/schema.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { type LoadedSample, loadSample } from '../database/load-sample.ts';
import { readPrivateServer, type StartResult, startPrivateServer } from '../devdb/index.ts';
import { type DumpDrillResult, runDumpDrill } from '../drill/index.ts';
import { type MigrateResult, up } from '../migrate/index.ts';
import { installHint, type SearchPlaces } from '../programs/find.ts';
import type { Actor } from '../repository/holder.ts';
import { defaultSample } from '../sample/index.ts';
import type { Store } from '../storage/store.ts';

export interface QuickstartOptions {
  readonly projectRoot: string;
  readonly places: SearchPlaces;
  readonly config: Config;
  readonly actor: Actor;
  /** Asked when the server is there: the store beside it is then in its place. */
  readonly openStore: () => Promise<Store>;
  /** Where the configuration wants WAL; undefined: beside the server. */
  readonly walStore?: StoreConfig | undefined;
  /** Of the backups that quickstart made, keep that many. */
  readonly keepLast: number;
}

export interface QuickstartResult {
  readonly server: StartResult;
  readonly schema: MigrateResult;
  readonly catalogs: ListResult & { readonly changed: boolean };
  readonly sample: LoadedSample;
  readonly bench: BenchResult;
  /** null on npm's embedded server, which has no pg_dump. */
  readonly backup: BackupResult | null;
  readonly drill: DumpDrillResult | null;
  readonly durationMs: number;
}

export interface Quickstart {
  readonly result: QuickstartResult;
  /** The drill's broken promise, or what is missing for backups. */
  readonly verdict: StructdbError | undefined;
}

/**
 * From nothing to a proven database: private server, schema, catalogs, sample rows, benchmark, backup, and a drill that
 * brings the backup back. What an earlier run made is used again. A missed query target is in the result and no
 * verdict of this journey: how fast the machine is decides `bench`, not whether the database comes back.
 * @throws what the steps throw
 */
export async function quickstart(options: Readonly<QuickstartOptions>, context: RunContext): Promise<Quickstart> {
  const { projectRoot, places, config } = options;
  const started = context.clock.monotonicMs();
  const server = await startPrivateServer(
    { projectRoot, places, dev: config.dev, walStore: options.walStore },
    context,
  );
  const connection = (await readPrivateServer(projectRoot))!;
  const schema = await up({ connection }, context);
  const imported = await importCatalogs({ connection }, context);
  const catalogs = { ...(await listCatalogs({ connection }, context)), changed: imported.changed };
  const sample = await loadSample({ connection, ...defaultSample }, context);
  const timings = await measureBench({ connection, objectives: config.objectives }, context);
  // As `bench` does: reports and the monitor go by the newest run that is there.
  await storeRun(timings, { root: projectRoot });
  const { backup, drill, verdict } = server.embedded
    ? { backup: null, drill: null, verdict: backupsNeedTools(places) }
    : await backUpAndRestore(options, connection, context);
  const durationMs = context.clock.monotonicMs() - started;
  return { result: { server, schema, catalogs, sample, bench: timings.result, backup, drill, durationMs }, verdict };
}

async function backUpAndRestore(
  options: Readonly<QuickstartOptions>,
  connection: ConnectionSettings,
  context: RunContext,
) {
  const { places, config, actor, keepLast } = options;
  const store = await options.openStore();
  const backup = await runBackup(
    { connection, store, places, policy: config.backup, actor, purpose: 'quickstart', keepLast },
    context,
  );
  const { result: drill, verdict } = await runDumpDrill(
    { store, connection, places, objectives: config.objectives, label: backup.label },
    context,
  );
  return { backup, drill, verdict };
}

function backupsNeedTools(places: SearchPlaces): StructdbError {
  return new StructdbError(
    'PROGRAM_MISSING',
    "Backup and drill were left out: npm's embedded server has no pg_dump and no pg_restore.",
    {
      hint: `${installHint(places.environment.platform)}   Then: structdb dev reset --yes && structdb quickstart`,
    },
  );
}
