import { access, chown, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionSettings } from '../../config/connection.ts';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { formatLsn, parseLsn } from '../../core/lsn.ts';
import { asStep } from '../../core/progress.ts';
import { startServer, stopServer } from '../../postgres/cluster.ts';
import { connect, withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { isRunning } from '../../programs/process.ts';
import type { ClusterRestorePlan } from './plan.ts';
import { explainFailure } from './replay-failure.ts';
import type { ClusterRestoreResult } from './restore.ts';
import { superuserConnection } from './superuser.ts';

export interface ReplayOptions {
  /** Settings of the isolated server, besides those that isolate it: `fsync`, `shared_buffers`. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** The server's log; beside the data directory by default. */
  readonly logFile?: string | undefined;
  /** How long replay may take without any progress. */
  readonly patienceMs?: number | undefined;
}

/** In milliseconds. */
export interface ReplayPhases {
  /** Until the server was consistent and answered. */
  readonly startMs: number;
  readonly replayMs: number;
  /** From the end of replay until it accepted writes. */
  readonly promoteMs: number;
}

/** A restored server that was promoted and runs, reachable only through a private socket. */
export interface ReplayResult {
  /** As a superuser. */
  readonly connection: ConnectionSettings;
  readonly phases: ReplayPhases;
  /** The end of the last record that was replayed. */
  readonly replayedLsn: string;
  /** Of the newest commit or rollback that was replayed, ISO; null when there was none behind the backup. */
  readonly replayedCommitAt: string | null;
  readonly timeline: number;
  readonly logFile: string;
  /** Stops the server and removes its socket; the data directory stays. Safe to call twice. */
  readonly stop: () => Promise<void>;
}

/** Replay may wait long for one segment of a slow store, not for ever. */
const PATIENCE_MS = 10 * 60 * 1000;
/** Until a server answers: its redo up to consistency counts. */
const START_TIMEOUT_MS = 24 * 60 * 60 * 1000;
const POLL_MS = 50;

/**
 * Starts a restored server isolated (private socket, no TCP, no archiving, no cron, no subscriptions, only preload
 * libraries that are installed), lets it replay and promote itself, and returns when it accepts writes. None of the
 * isolating settings stays in the data directory; the recovery folder goes, for nothing needs it any more.
 * @throws TARGET_UNREACHABLE, WAL_MISSING, WAL_CORRUPT, SERVER_START_FAILED, CONNECTION_FAILED, INTERRUPTED
 */
export async function replayRestored(
  restored: ClusterRestoreResult,
  options: ReplayOptions,
  context: RunContext,
): Promise<ReplayResult> {
  const { plan, dataDirectory } = restored;
  const { programs, user } = plan;
  // Sockets have 107 bytes for their path.
  const socketDirectory = await mkdtemp('/tmp/structdb-r-');
  const logFile = options.logFile ?? `${dataDirectory}.log`;
  const server = { programs, dataDirectory, user };
  const stop = async () => {
    await stopServer({ ...server, mode: 'fast' });
    await rm(socketDirectory, { recursive: true, force: true });
  };
  try {
    const hbaFile = path.join(socketDirectory, 'pg_hba.conf');
    await writeFile(hbaFile, 'local all all trust\n', { mode: 0o600 });
    await writeFile(logFile, '', { mode: 0o600 });
    if (user) for (const own of [socketDirectory, hbaFile, logFile]) await chown(own, user.uid, user.gid);
    const settings = {
      ...(await isolation(plan, socketDirectory, hbaFile)),
      ...options.settings,
    };
    const began = context.clock.monotonicMs();
    const start = { ...server, logFile, settings, timeoutMs: START_TIMEOUT_MS };
    await asStep(context, 'restore.start', 'Starting the restored server', () => startServer(start, context));
    const startMs = Math.round(context.clock.monotonicMs() - began);
    const connection = await superuserConnection(plan.backup.manifest, socketDirectory, context);
    const followed = await asStep(context, 'restore.replay', 'Replaying WAL', () =>
      follow({ connection, dataDirectory, plan, patienceMs: options.patienceMs ?? PATIENCE_MS }, context),
    );
    // Nothing asks for WAL any more. What is fetched ahead in it ends by itself.
    await rm(restored.recoveryDirectory, { recursive: true, force: true, maxRetries: 5 }).catch(() => {});
    return Object.freeze({
      connection,
      phases: { startMs, replayMs: followed.replayMs, promoteMs: followed.promoteMs },
      replayedLsn: followed.replayedLsn,
      replayedCommitAt: followed.replayedCommitAt,
      timeline: followed.timeline,
      logFile,
      stop,
    });
  } catch (error) {
    const log = await readFile(logFile, 'utf8').catch(() => '');
    await stopServer({ ...server, mode: 'immediate' }).catch(() => {});
    await rm(socketDirectory, { recursive: true, force: true });
    throw await explainFailure(error, log, plan, logFile, context);
  }
}

/** On the command line, where they win over every file and stay nowhere. */
async function isolation(
  plan: ClusterRestorePlan,
  socketDirectory: string,
  hbaFile: string,
): Promise<Record<string, string>> {
  const { manifest } = plan.backup;
  const libraries = await installedLibraries(plan);
  return {
    listen_addresses: '',
    unix_socket_directories: socketDirectory,
    port: '5432',
    // That of the source is the one of a server that may run here; this one would take it over, and remove it at its end.
    external_pid_file: '',
    hba_file: hbaFile,
    ssl: 'off',
    hot_standby: 'on',
    archive_mode: 'off',
    // No jobs, no subscriptions, no standby that a commit waits for.
    max_logical_replication_workers: '0',
    synchronous_standby_names: '',
    shared_preload_libraries: libraries.join(','),
    ...(libraries.includes('pg_cron') ? { 'cron.launch_active_jobs': 'off' } : {}),
    session_preload_libraries: '',
    local_preload_libraries: '',
    log_destination: 'stderr',
    logging_collector: 'off',
    log_min_messages: 'warning',
    // recovery_target_action needs no reader; messages in English are read by structdb.
    lc_messages: 'C',
    ...manifest.requiredSettings,
  };
}

/** Those of the source's preload libraries that this installation has. */
async function installedLibraries({ programs, backup }: ClusterRestorePlan): Promise<string[]> {
  // The program may be a link into the installation.
  const prefix = path.join(path.dirname(await realpath(programs.postgres.path)), '..');
  const folders = [path.join(prefix, 'lib'), path.join(prefix, 'lib', 'postgresql')];
  const found: string[] = [];
  for (const library of backup.manifest.preloadLibraries) {
    const files = library.includes('/') ? [library] : folders.map((folder) => path.join(folder, `${library}.so`));
    for (const file of files) {
      const there = await access(file).then(
        () => true,
        () => false,
      );
      if (there && !found.includes(library)) found.push(library);
    }
  }
  return found;
}

interface Following {
  readonly connection: ConnectionSettings;
  readonly dataDirectory: string;
  readonly plan: ClusterRestorePlan;
  readonly patienceMs: number;
}

interface Position {
  readonly recovering: boolean;
  readonly lsn: string | null;
  readonly commitAt: Date | null;
  readonly paused: boolean;
}

/** Watches the replay until the server has promoted itself. */
async function follow(following: Following, context: RunContext) {
  const { connection, dataDirectory, plan, patienceMs } = following;
  const began = context.clock.monotonicMs();
  const first = plan.reach.base.stopLsn;
  const total = Number(plan.reach.endLsn - first);
  let last: Position | undefined;
  let movedAt = began;
  let reachedEndAt = began;
  for (;;) {
    stopIfInterrupted(context);
    const position = await positionOf(connection).catch(async (error: unknown) => {
      if (await serverRuns(dataDirectory)) return undefined;
      throw error;
    });
    const now = context.clock.monotonicMs();
    if (position && position.lsn !== last?.lsn) {
      movedAt = now;
      reachedEndAt = now;
      const done = Number((parseLsn(position.lsn ?? '') ?? first) - first);
      if (total > 0)
        context.report({ kind: 'progress', step: 'restore.replay', done: clamp(done, total), total, unit: 'bytes' });
    }
    if (position) last = position;
    if (position && !position.recovering) {
      const replayMs = Math.round(reachedEndAt - began);
      return {
        replayMs,
        promoteMs: Math.round(now - reachedEndAt),
        replayedLsn: position.lsn ?? formatLsn(first),
        replayedCommitAt: position.commitAt?.toISOString() ?? null,
        timeline: await timelineOf(connection, context),
      };
    }
    if (position?.paused) throw stuck('it is paused: a setting of the source is higher than that of this server');
    if (now - movedAt > patienceMs) throw stuck(`nothing was replayed for ${Math.round(patienceMs / 1000)} s`);
    await sleep(POLL_MS);
  }
}

async function positionOf(connection: ConnectionSettings): Promise<Position> {
  const client = await connect(connection, profiles.probe);
  try {
    const { rows } = await client.query<Position>(
      `select pg_is_in_recovery() as recovering, pg_last_wal_replay_lsn()::text as lsn,
              pg_last_xact_replay_timestamp() as "commitAt",
              case when pg_is_in_recovery() then pg_get_wal_replay_pause_state() = 'paused' else false end as paused`,
    );
    return rows[0]!;
  } finally {
    await client.end().catch(() => {});
  }
}

async function timelineOf(connection: ConnectionSettings, context: RunContext): Promise<number> {
  return withClient(connection, profiles.probe, context, async (client) => {
    // The control file names it after the next checkpoint only; the name of the current segment does at once.
    const { rows } = await client.query<{ name: string }>('select pg_walfile_name(pg_current_wal_lsn()) as name');
    return Number.parseInt(rows[0]!.name.slice(0, 8), 16);
  });
}

async function serverRuns(dataDirectory: string): Promise<boolean> {
  const pid = Number(
    (await readFile(path.join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0],
  );
  return pid > 0 && (await isRunning(pid));
}

function clamp(value: number, highest: number): number {
  return Math.max(0, Math.min(value, highest));
}

function stuck(why: string): StructdbError {
  return new StructdbError('SERVER_START_FAILED', `Replay does not go on: ${why}.`, {
    hint: 'See the log of the restored server.',
  });
}
