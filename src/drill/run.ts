import { type ConnectionSettings, withDatabase } from '../config/connection.ts';
import type { Objectives } from '../config/schema.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { asStep } from '../core/progress.ts';
import { toolVersion } from '../core/tool-version.ts';
import type { ScratchCluster } from '../postgres/cluster.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import type { SearchPlaces } from '../programs/find.ts';
import { type BackupEntry, readManifest, recordVerification } from '../repository/backups.ts';
import { writeEvidence } from '../repository/evidence.ts';
import type { Manifest } from '../repository/manifest.ts';
import { performRestore, planFor, type RestoreResult } from '../restore/index.ts';
import type { Store } from '../storage/store.ts';
import { type Check, checkRestored } from './checks.ts';
import { createRoles } from './globals.ts';
import { withDrillServer } from './scratch.ts';
import { candidates } from './select.ts';
import { verdictOf } from './verdict.ts';
import { probeWrite, type WriteProbe } from './write-probe.ts';

export interface DrillOptions {
  readonly store: Store;
  /** Names the database whose backups are drilled; asked for its identity at most, never written to. */
  readonly connection: ConnectionSettings;
  readonly places: SearchPlaces;
  readonly objectives: Objectives;
  /** Exactly this backup; otherwise the newest that can be restored. */
  readonly label?: string | undefined;
  /** Judges the RPO objective, which no dump can meet provably. */
  readonly requireRpo?: boolean | undefined;
  /** For negative controls: changes the restored copy before it is checked, so that a test sees the drill notice it. */
  readonly afterRestore?: ((restored: ConnectionSettings) => Promise<void>) | undefined;
}

/** The span until the first accepted write, in milliseconds, by phase. */
export interface RtoPhases {
  readonly selectMs: number;
  readonly serverMs: number;
  readonly fetchMs: number;
  readonly loadMs: number;
  readonly settingsMs: number;
  readonly firstWriteMs: number;
}

export interface DrillResult {
  readonly structdb: string;
  readonly at: string;
  readonly label: string;
  readonly database: string;
  readonly verdict: { readonly ok: boolean; readonly code: string | null; readonly message: string };
  /** Newer backups that could not be used. */
  readonly passedOver: readonly { readonly label: string; readonly reason: string }[];
  readonly rto: {
    readonly measuredMs: number;
    readonly objectiveMs: number;
    readonly met: boolean;
    readonly phases: RtoPhases;
  };
  readonly rpo: { readonly provable: false; readonly required: boolean; readonly message: string };
  readonly ageOfData: { readonly ms: number; readonly intervalMs: number; readonly withinInterval: boolean };
  /** How fast it was restored, and how large a dump the objective would cover at that rate. */
  readonly rate: { readonly bytesPerSecond: number; readonly coveredBytes: number; readonly sizeBytes: number };
  readonly checks: readonly Check[];
  /** Apart from the RTO: an outage does not wait for them. */
  readonly checksMs: number;
  readonly write: WriteProbe;
  readonly rows: number;
  readonly tables: number;
  readonly server: { readonly backup: string; readonly scratchMajor: number };
  readonly leftOut: readonly string[];
  /** Key of this record in the store. */
  readonly evidence: string;
}

/** The daily tier promises data of the current day. */
const DAY_MS = 86_400_000;
const DATABASE = 'structdb_drill';

/**
 * Restores the newest backup on an isolated server, as an outage would, until it accepts a write; compares the copy with
 * everything its manifest recorded; judges, and keeps the evidence. A broken promise is in `verdict`, with a complete result.
 * @throws BACKUP_MISSING, BACKUP_CORRUPT (when none can be restored), PROGRAM_MISSING, INTERRUPTED, …
 */
export async function runDrill(
  options: Readonly<DrillOptions>,
  context: RunContext,
): Promise<{ readonly result: DrillResult; readonly verdict: StructdbError | undefined }> {
  const passedOver: { label: string; reason: string }[] = [];
  const startedMs = context.clock.monotonicMs();
  const tries = await asStep(context, 'drill.select', 'Choosing the backup', () => candidates(options, context));
  for (const entry of tries) {
    try {
      return await drillBackup(options, entry, passedOver, startedMs, context);
    } catch (error) {
      if (!(error instanceof StructdbError) || !UNUSABLE.has(error.code)) throw error;
      passedOver.push({ label: entry.label, reason: error.message });
      if (entry === tries.at(-1)) throw error;
      context.report({ kind: 'warning', message: `${error.message} Falling back to the next older one.` });
      await recordVerification(entry, { ok: false, problems: [error.message], method: 'drill' }, context.clock);
    }
  }
  throw new StructdbError('BACKUP_MISSING', 'There is no backup to drill.', { hint: 'structdb backup run' });
}

const UNUSABLE = new Set(['BACKUP_CORRUPT', 'MANIFEST_UNREADABLE', 'OBJECT_MISSING']);

interface Restored {
  readonly restore: RestoreResult;
  readonly write: WriteProbe;
  readonly checks: readonly Check[];
  readonly checksMs: number;
  readonly measuredMs: number;
  readonly phases: RtoPhases;
  readonly scratchMajor: number;
}

async function drillBackup(
  options: Readonly<DrillOptions>,
  entry: BackupEntry,
  passedOver: DrillResult['passedOver'],
  startedMs: number,
  context: RunContext,
) {
  const at = context.clock.now();
  const manifest = await readManifest(entry);
  const selectMs = context.clock.monotonicMs() - startedMs;
  const restored = await withDrillServer(
    { places: options.places, major: manifest.server.major },
    context,
    (cluster, programs) =>
      restoreAndCheck(
        { options, entry, manifest, cluster, scratchMajor: programs.postgres.major, startedMs, selectMs },
        context,
      ),
  );
  const unjudged = assemble(options, manifest, restored, passedOver, at);
  const verdict = verdictOf(unjudged);
  const result: DrillResult = {
    ...unjudged,
    verdict: {
      ok: verdict === undefined,
      code: verdict?.code ?? null,
      message: verdict?.message ?? 'Every promise holds.',
    },
    evidence: '',
  };
  const evidence = await writeEvidence(entry.repository, 'drills', at, { ...result, evidence: undefined });
  const problems = restored.checks.filter(({ ok }) => !ok).map(({ name, message }) => `${name}: ${message}`);
  await recordVerification(entry, { ok: problems.length === 0, problems, method: 'drill' }, context.clock);
  return { result: { ...result, evidence }, verdict };
}

interface Attempt {
  readonly options: Readonly<DrillOptions>;
  readonly entry: BackupEntry;
  readonly manifest: Manifest;
  readonly cluster: ScratchCluster;
  readonly scratchMajor: number;
  readonly startedMs: number;
  readonly selectMs: number;
}

async function restoreAndCheck(attempt: Attempt, context: RunContext): Promise<Restored> {
  const { options, entry, manifest, cluster, scratchMajor, startedMs, selectMs } = attempt;
  await withClient(cluster.connection, profiles.drill, context, (client) => createRoles(client, entry, manifest));
  const serverMs = context.clock.monotonicMs() - startedMs - selectMs;
  const target = { entry, manifest, connection: cluster.connection, database: DATABASE, places: options.places };
  const plan = await planFor(target, context);
  const restore = await performRestore(plan, { compare: false }, context);
  const connection = withDatabase(cluster.connection, DATABASE);
  await options.afterRestore?.(connection);
  return withClient(connection, profiles.drill, context, async (client) => {
    // The snapshot is taken before the write probe: what is checked is what was restored.
    await client.query('begin isolation level repeatable read');
    await client.query('select 1 from pg_catalog.pg_class limit 1');
    const writeStartedMs = context.clock.monotonicMs();
    const write = await asStep(context, 'drill.write', 'Writing to the restored database', () =>
      probeWrite(connection, context),
    );
    const endedMs = context.clock.monotonicMs();
    const { list } = await asStep(context, 'drill.check', 'Checking the restored copy', () =>
      checkRestored(client, manifest, {
        sameMajor: scratchMajor === manifest.server.major,
        onTable: (done, total) => context.report({ kind: 'progress', step: 'drill.check', done, total, unit: 'items' }),
      }),
    );
    await client.query('rollback');
    const { fetchMs, loadMs, settingsMs } = restore.phases;
    return {
      restore,
      write,
      checks: list,
      checksMs: context.clock.monotonicMs() - endedMs,
      measuredMs: endedMs - startedMs,
      phases: { selectMs, serverMs, fetchMs, loadMs, settingsMs, firstWriteMs: endedMs - writeStartedMs },
      scratchMajor,
    };
  });
}

function assemble(
  options: Readonly<DrillOptions>,
  manifest: Manifest,
  restored: Restored,
  passedOver: DrillResult['passedOver'],
  at: Date,
): DrillResult {
  const { restore, measuredMs, phases } = restored;
  const seconds = Math.max(1, phases.fetchMs + phases.loadMs + phases.settingsMs) / 1000;
  const bytesPerSecond = restore.sizeBytes / seconds;
  const fixedMs = measuredMs - seconds * 1000;
  const objectiveMs = options.objectives.rto;
  const ageMs = Math.max(0, at.getTime() - Date.parse(manifest.startedAt));
  return {
    structdb: toolVersion(),
    at: at.toISOString(),
    label: manifest.label,
    database: manifest.database.name,
    verdict: { ok: false, code: null, message: '' },
    passedOver: [...passedOver],
    rto: { measuredMs, objectiveMs, met: measuredMs <= objectiveMs, phases },
    rpo: { provable: false, required: options.requireRpo === true, message: 'not provable from a dump' },
    ageOfData: { ms: ageMs, intervalMs: DAY_MS, withinInterval: ageMs <= DAY_MS },
    rate: {
      bytesPerSecond: Math.round(bytesPerSecond),
      coveredBytes: Math.max(0, Math.round((bytesPerSecond * (objectiveMs - fixedMs)) / 1000)),
      sizeBytes: restore.sizeBytes,
    },
    checks: restored.checks,
    checksMs: restored.checksMs,
    write: restored.write,
    rows: restore.rows,
    tables: restore.tables.length,
    server: { backup: manifest.server.version, scratchMajor: restored.scratchMajor },
    leftOut: restore.leftOut,
    evidence: '',
  };
}
