import type { ConnectionSettings } from '../../config/connection.ts';
import type { Objectives } from '../../config/schema.ts';
import type { RunContext } from '../../core/context.ts';
import type { StructdbError } from '../../core/errors.ts';
import { parseLsn } from '../../core/lsn.ts';
import { asStep } from '../../core/progress.ts';
import { toolVersion } from '../../core/tool-version.ts';
import type { SearchPlaces } from '../../programs/find.ts';
import { withOwnDirectory } from '../../programs/own-directory.ts';
import { findBackup, recordVerification } from '../../repository/backups.ts';
import { writeEvidence } from '../../repository/evidence.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Check } from '../checks.ts';
import { firstWrite } from '../first-write.ts';
import { type FromStore, recoverNewest } from '../from-store.ts';
import { recoveryPoint } from '../recovery-point.ts';
import type { BaseDrillResult, PassedOver } from '../result.ts';
import type { Drill } from '../run.ts';
import { removeAbandoned } from '../scratch.ts';
import { checkCluster } from './checks.ts';
import { type ChosenCluster, chooseCluster, type Wish } from './choose.ts';
import { lookAround } from './look-around.ts';
import { heartbeat, rateOf, replayed } from './measure.ts';
import { keepFailure, NothingUsable } from './nothing-usable.ts';
import { verifyFiles } from './pg-verifybackup.ts';
import { askSource, countLostCommits, type SourceState } from './source.ts';
import { baseVerdict } from './verdict.ts';

export interface BaseDrillOptions extends Wish {
  /** Of the source, which is asked what it has committed; it may be down. */
  readonly connection?: ConnectionSettings | undefined;
  readonly places: SearchPlaces;
  readonly objectives: Pick<Objectives, 'rto' | 'rpo'>;
}

/** Replays without work of its own in between; it is as durable as the server that it stands for. */
const SETTINGS = Object.freeze({ autovacuum: 'off' });

/**
 * Recovers the newest base backup and its WAL on an isolated server, as an outage would, until it accepts a write; tells
 * what a disaster now would have lost; checks what can be checked of a cluster; judges, and keeps the evidence.
 * @throws BACKUP_MISSING, BACKUP_CORRUPT (when none can be restored: that too leaves evidence), WAL_CORRUPT, KEY_MISSING,
 * PROGRAM_MISSING, DISK_FULL, INTERRUPTED, …
 */
export async function runBaseDrill(options: BaseDrillOptions, context: RunContext): Promise<Drill<BaseDrillResult>> {
  await removeAbandoned(context);
  // An outage does not ask the source; the drill does, before it begins.
  const source = await askSource(options.connection, context);
  const disaster = source?.at ?? context.clock.now();
  const at = context.clock.now();
  const began = context.clock.monotonicMs();
  const chosen = await asStep(
    context,
    'drill.select',
    'Choosing the base backup',
    () => chooseCluster(options, source?.systemIdentifier, context),
    ({ entries, target }) =>
      `Chose ${entries[0]!.label}${target.kind === 'random' ? ` and the instant ${target.at}` : ''}`,
  );
  const selectMs = Math.round(context.clock.monotonicMs() - began);
  const own = source?.systemIdentifier === chosen.repository.systemIdentifier ? source : undefined;
  try {
    const unjudged = await withOwnDirectory('drill', 0o711, (directory) =>
      recoverAndCheck({ options, chosen, source: own, disaster, at, selectMs, directory }, context),
    );
    return await conclude(unjudged, chosen.repository, at, context);
  } catch (error) {
    throw error instanceof NothingUsable ? await keepFailure(error, chosen, at) : error;
  }
}

interface Work {
  readonly options: BaseDrillOptions;
  readonly chosen: ChosenCluster;
  readonly source: SourceState | undefined;
  readonly disaster: Date;
  readonly at: Date;
  readonly selectMs: number;
  readonly directory: string;
}

type Unjudged = Omit<BaseDrillResult, 'verdict' | 'evidence'> & { readonly hole: FromStore['hole'] };

async function recoverAndCheck(work: Work, context: RunContext): Promise<Unjudged> {
  const { options, chosen, directory } = work;
  const passedOver: PassedOver[] = [];
  let files: Check | undefined;
  let last: StructdbError | undefined;
  const from = await recoverNewest(
    {
      store: chosen.repository.store,
      walStore: chosen.walStore,
      labels: chosen.entries.map(({ label }) => label),
      target:
        chosen.target.kind === 'latest'
          ? chosen.target
          : { kind: 'time', at: new Date(chosen.target.at), inclusive: true },
      timeline: chosen.timeline,
      directory,
      name: 'restored',
      places: options.places,
      settings: SETTINGS,
      inspect: async (restored) => {
        files = await verifyFiles(restored, context);
      },
      onPassedOver: async (passed, error) => {
        passedOver.push(passed);
        last = error;
        const entry = await findBackup(chosen.repository.store, passed.label);
        await recordVerification(entry, { ok: false, problems: [passed.reason], method: 'drill' }, context.clock);
      },
    },
    context,
  ).catch((error: unknown) => {
    throw last !== undefined && error === last ? new NothingUsable(passedOver, last) : error;
  });
  try {
    return await examine({ ...work, from, files: files! }, context);
  } finally {
    await from.replay.stop();
  }
}

async function examine(
  work: Work & { readonly from: FromStore; readonly files: Check },
  context: RunContext,
): Promise<Unjudged> {
  const { options, chosen, source, from, files, selectMs } = work;
  const { plan, replay, phases } = from;
  const { manifest } = plan.backup;
  const around = await lookAround(replay.connection, options.connection?.database, context);
  const beganWrite = context.clock.monotonicMs();
  const { write, writes } = await firstWrite(around.connection, context);
  const rtoPhases = {
    selectMs: selectMs + phases.passedOverMs,
    planMs: phases.planMs,
    fetchMs: phases.fetchMs,
    startMs: phases.startMs,
    replayMs: phases.replayMs,
    promoteMs: phases.promoteMs,
    firstWriteMs: Math.round(context.clock.monotonicMs() - beganWrite),
  };
  const measuredMs = Object.values(rtoPhases).reduce((sum, ms) => sum + ms, 0);
  const beganChecks = context.clock.monotonicMs();
  const { databases, halfDropped } = around;
  const found = await checkCluster(
    { connection: replay.connection, databases, major: manifest.server.major, places: options.places },
    context,
  );
  const lostCommits =
    source && options.connection ? await countLostCommits(options.connection, source, around.xids, context) : undefined;
  const lastCommitAt = replay.replayedCommitAt === null ? undefined : new Date(replay.replayedCommitAt);
  const { rto, rpo } = options.objectives;
  const lastSegment = plan.reach.segments.at(-1);
  const walBytes = Number((parseLsn(replay.replayedLsn) ?? 0n) - plan.reach.base.startLsn);
  return {
    kind: 'base',
    structdb: toolVersion(),
    at: work.at.toISOString(),
    label: plan.backup.entry.label,
    chain: plan.chain.map(({ entry }) => entry.label),
    systemIdentifier: chosen.repository.systemIdentifier,
    passedOver: from.passedOver,
    hole: from.hole,
    target: chosen.target,
    rto: { measuredMs, objectiveMs: rto, met: write !== null && measuredMs <= rto, phases: rtoPhases },
    rpo: recoveryPoint({
      disaster: work.disaster,
      objectiveMs: rpo,
      judged: chosen.target.kind === 'latest',
      lostCommits,
      lastCommitAt,
      heartbeatAt: around.heartbeatAt,
      // What the source wrote behind its last durable segment is younger than the last write to that segment.
      segmentClosedAt: from.hole || lastSegment === undefined ? undefined : source?.walWrittenAt.get(lastSegment),
      backupStoppedAt: new Date(manifest.stoppedAt),
    }),
    rate: rateOf(from, rto, measuredMs, walBytes),
    replay: {
      timeline: replay.timeline,
      fromLsn: manifest.startLsn,
      toLsn: replay.replayedLsn,
      walBytes,
      lastCommitAt: replay.replayedCommitAt,
    },
    checks: [writes, files, replayed(from, chosen, lastCommitAt), heartbeat(around.heartbeatAt), ...found.checks],
    unchecked: [
      ...halfDropped.map((name) => `${name}: a DROP DATABASE that was interrupted left it, and nobody is let in`),
      ...found.unchecked,
    ],
    checksMs: phases.inspectMs + Math.round(context.clock.monotonicMs() - beganChecks),
    write,
    databases,
    server: { backup: manifest.server.version, scratchMajor: plan.programs.postgres.major },
  };
}

async function conclude(
  { hole, ...unjudged }: Unjudged,
  repository: Repository,
  at: Date,
  context: RunContext,
): Promise<Drill<BaseDrillResult>> {
  const verdict = baseVerdict({ ...unjudged, hole });
  const message = verdict?.message ?? 'Every promise holds.';
  const judged = { ...unjudged, verdict: { ok: verdict === undefined, code: verdict?.code ?? null, message } };
  const evidence = await writeEvidence(repository, 'drills', at, judged);
  const problems = unjudged.checks.filter(({ ok }) => !ok).map(({ name, message: why }) => `${name}: ${why}`);
  const entry = await findBackup(repository.store, unjudged.label);
  await recordVerification(entry, { ok: problems.length === 0, problems, method: 'drill' }, context.clock);
  return { result: { ...judged, evidence }, verdict };
}
