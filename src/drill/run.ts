import type { ConnectionSettings } from '../config/connection.ts';
import type { Objectives } from '../config/schema.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { asStep } from '../core/progress.ts';
import { toolVersion } from '../core/tool-version.ts';
import type { SearchPlaces } from '../programs/find.ts';
import { type BackupEntry, readDumpManifest, recordVerification } from '../repository/backups.ts';
import { writeEvidence } from '../repository/evidence.ts';
import type { DumpManifest } from '../repository/manifest.ts';
import { requireKey } from '../repository/parts.ts';
import { chooseDumps, LATEST, requireWholeParts } from '../restore/index.ts';
import type { Store } from '../storage/store.ts';
import { ageOfData } from './age.ts';
import { type RestoredCopy, restoreAndCheck } from './attempt.ts';
import type { DumpDrillResult, PassedOver } from './result.ts';
import { withDrillServer } from './scratch.ts';
import { verdictOf } from './verdict.ts';

export interface DrillOptions {
  readonly store: Store;
  /**
   * Names the database whose newest backup is drilled; asked for the server's identity at most, and may be down. Without
   * it and without a label: the only database that the store has dumps of.
   */
  readonly connection?: ConnectionSettings | undefined;
  readonly places: SearchPlaces;
  readonly objectives: Pick<Objectives, 'rto' | 'rpo'>;
  /** Exactly this backup; otherwise the newest that can be restored. */
  readonly label?: string | undefined;
  /** Judges the RPO objective, which no dump can meet provably. */
  readonly requireRpo?: boolean | undefined;
}

/** A measurement, with the broken promise that it found, if any. */
export interface Drill<Result = DumpDrillResult> {
  readonly result: Result;
  readonly verdict: StructdbError | undefined;
}

/**
 * Restores the newest backup on an isolated server, as an outage would, until it accepts a write; compares the copy with
 * everything its manifest recorded; judges, and keeps the evidence. A broken promise is in `verdict`, with a complete
 * result.
 * @throws BACKUP_MISSING, BACKUP_CORRUPT (when none can be restored: that too leaves evidence), PROGRAM_MISSING, DISK_FULL,
 * INTERRUPTED, …
 */
export async function runDumpDrill(options: Readonly<DrillOptions>, context: RunContext): Promise<Drill> {
  const disaster = context.clock.now();
  const startedMs = context.clock.monotonicMs();
  const dumps = await choose(options, context);
  const passedOver: PassedOver[] = [];
  for (const entry of dumps) {
    try {
      return await drillBackup({ options, entry, passedOver, disaster, startedMs }, context);
    } catch (error) {
      if (!(error instanceof StructdbError) || !UNUSABLE.has(error.code)) throw error;
      passedOver.push({ label: entry.label, reason: error.message });
      await recordVerification(entry, { ok: false, problems: [error.message], method: 'drill' }, context.clock);
      if (entry === dumps.at(-1)) throw await nothingUsable(dumps[0]!, passedOver, disaster, error);
      context.report({ kind: 'warning', message: `${error.message} Falling back to the next older one.` });
    }
  }
  throw new StructdbError('BACKUP_MISSING', 'There is no backup to drill.', { hint: 'structdb backup run' });
}

const UNUSABLE: ReadonlySet<string> = new Set(['BACKUP_CORRUPT', 'MANIFEST_UNREADABLE', 'OBJECT_MISSING']);

function choose(options: Readonly<DrillOptions>, context: RunContext): Promise<BackupEntry[]> {
  const { store, connection, label = LATEST } = options;
  const databases = connection ? [connection.database] : [];
  return asStep(
    context,
    'drill.select',
    'Choosing the backup',
    () => chooseDumps({ store, label, databases, connection, ownOnly: true }, context),
    ([newest]) => `Chose ${newest!.label}`,
  );
}

interface Attempt {
  readonly options: Readonly<DrillOptions>;
  readonly entry: BackupEntry;
  readonly passedOver: readonly PassedOver[];
  readonly disaster: Date;
  readonly startedMs: number;
}

async function drillBackup(attempt: Attempt, context: RunContext): Promise<Drill> {
  const { options, entry, disaster, startedMs } = attempt;
  const manifest = await readDumpManifest(entry);
  // Before the server: where nothing can be restored, nothing needs to start.
  await requireWholeParts(entry, manifest);
  await requireKey(entry, manifest.parts);
  const selectMs = Math.round(context.clock.monotonicMs() - startedMs);
  const server = { places: options.places, major: manifest.server.major };
  const copy = await withDrillServer(server, context, (cluster, programs) =>
    restoreAndCheck(
      { ...server, entry, manifest, cluster, scratchMajor: programs.postgres.major, startedMs, selectMs },
      context,
    ),
  );
  const unjudged = assemble(attempt, manifest, copy);
  const verdict = verdictOf(unjudged);
  const judged = {
    ...unjudged,
    verdict: {
      ok: verdict === undefined,
      code: verdict?.code ?? null,
      message: verdict?.message ?? 'Every promise holds.',
    },
  };
  const evidence = await writeEvidence(entry.repository, 'drills', disaster, judged);
  const problems = copy.checks.filter(({ ok }) => !ok).map(({ name, message }) => `${name}: ${message}`);
  await recordVerification(entry, { ok: problems.length === 0, problems, method: 'drill' }, context.clock);
  return { result: { ...judged, evidence }, verdict };
}

function assemble(
  { options, passedOver, disaster }: Attempt,
  manifest: DumpManifest,
  copy: RestoredCopy,
): Omit<DumpDrillResult, 'verdict' | 'evidence'> {
  const { restore, measuredMs, phases, checks } = copy;
  const { rto, rpo } = options.objectives;
  const growingMs = Math.max(1, phases.fetchMs + phases.loadMs);
  const bytesPerMs = restore.sizeBytes / growingMs;
  return {
    kind: 'dump',
    structdb: toolVersion(),
    at: disaster.toISOString(),
    label: manifest.label,
    database: manifest.database.name,
    passedOver: [...passedOver],
    rto: { measuredMs, objectiveMs: rto, met: copy.write !== null && measuredMs <= rto, phases },
    rpo: {
      provable: false,
      required: options.requireRpo === true,
      objectiveMs: rpo,
      message: 'not provable from a dump',
    },
    ageOfData: ageOfData(manifest, disaster, options.label === undefined),
    rate: {
      bytesPerSecond: Math.round(bytesPerMs * 1000),
      coveredBytes: Math.max(0, Math.round(bytesPerMs * (rto - (measuredMs - growingMs)))),
      sizeBytes: restore.sizeBytes,
    },
    checks,
    checksMs: copy.checksMs,
    write: copy.write,
    rows: restore.rows,
    tables: restore.tables.length,
    server: { backup: manifest.server.version, scratchMajor: copy.scratchMajor },
    leftOut: restore.leftOut,
  };
}

/** No backup could be restored: nothing was measured, and the store must not look as if nobody had tried. */
async function nothingUsable(
  newest: BackupEntry,
  passedOver: readonly PassedOver[],
  disaster: Date,
  last: StructdbError,
): Promise<StructdbError> {
  const { label, parts, repository } = newest;
  const message =
    passedOver.length === 1
      ? passedOver[0]!.reason
      : `None of the ${passedOver.length} backups of database "${parts.database}" can be restored. The newest: ${passedOver[0]!.reason}`;
  const verdict = { ok: false, code: 'BACKUP_CORRUPT', message } as const;
  await writeEvidence(repository, 'drills', disaster, {
    kind: 'dump',
    structdb: toolVersion(),
    at: disaster.toISOString(),
    label,
    database: parts.database,
    verdict,
    passedOver,
    rto: null,
    checks: [],
  });
  return new StructdbError(verdict.code, message, {
    cause: last,
    details: passedOver.length === 1 ? last.details : passedOver.map((passed) => `${passed.label}: ${passed.reason}`),
    hint: 'Make a new backup now: structdb backup run',
  });
}
