import { formatInstant } from '../core/instant.ts';
import { formatBytes, formatCount, formatDuration } from '../core/units.ts';
import type { RecoveryWindow } from '../repository/recovery-window.ts';
import type { ClusterPlanSummary, ClusterRestoreResult, ReplayResult } from '../restore/index.ts';
import type { Style } from './output.ts';

/** What `--json` prints of a restored cluster. */
export interface RestoredCluster extends Omit<ClusterPlanSummary, 'windows' | 'estimate' | 'targetDirectory'> {
  readonly dataDirectory: string;
  readonly recoveryDirectory: string;
  readonly files: number;
  readonly bytes: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly phases: ClusterRestoreResult['phases'];
  readonly durationMs: number;
  /** How the server is started. */
  readonly start: string;
  readonly replay:
    | (Omit<ReplayResult, 'stop' | 'connection'> & {
        readonly running: boolean;
        readonly socketDirectory: string | null;
        /** A superuser, and a database that lets it in. */
        readonly user: string | null;
        readonly database: string | null;
      })
    | null;
}

export function describeRestoredCluster(
  summary: ClusterPlanSummary,
  restored: ClusterRestoreResult,
  replayed: { readonly replay: ReplayResult; readonly running: boolean } | undefined,
): RestoredCluster {
  const { windows: _windows, estimate: _estimate, targetDirectory: _target, ...plan } = summary;
  const { plan: _plan, ...rest } = restored;
  const { programs, user } = restored.plan;
  const as = user ? `sudo -u ${user.name} ` : '';
  // The server's user may write into the directory; beside it perhaps not.
  const start = `${as}${programs.pgCtl.path} start -D ${quoted(restored.dataDirectory)} -l ${quoted(`${restored.dataDirectory}/startup.log`)}`;
  if (!replayed) return { ...plan, ...rest, start, replay: null };
  const { stop: _stop, connection, ...replay } = replayed.replay;
  const { host: socketDirectory, user: superuser, database } = connection;
  const reachedBy = replayed.running
    ? { running: true, socketDirectory, user: superuser, database }
    : { running: false, socketDirectory: null, user: null, database: null };
  return { ...plan, ...rest, start, replay: { ...replay, ...reachedBy } };
}

export function renderClusterPlan(plan: ClusterPlanSummary): string {
  const { wal, sizes, estimate } = plan;
  const basis =
    estimate.basis === 'drill' ? 'at the rates of the last drill' : 'assuming 100 MB/s; a drill measures it';
  const lines = [
    `Would restore ${plan.label}${plan.chain.length > 1 ? ` with the ${plan.chain.length - 1} it builds on` : ''}`,
    `  of         cluster ${plan.systemIdentifier}, PostgreSQL ${plan.serverVersion}, from ${plan.store}`,
    `  into       ${plan.targetDirectory}`,
    ...plan.tablespaces.map(
      ({ name, from, to }) => `             tablespace ${name}: ${from === to ? to : `${from} → ${to}`}`,
    ),
    `  up to      ${plan.target}, on timeline ${plan.timeline}`,
    `  replays    ${walLine(plan)}`,
    ...(wal.newestCommitAt === null ? [] : [`             newest commit in it: ${formatInstant(wal.newestCommitAt)}`]),
    ...(wal.partial === null ? [] : [`             at its end what "wal receive" had of ${wal.partial}`]),
    ...(wal.salvaged.length === 0 ? [] : [`             salvaged: ${wal.salvaged.join(', ')}`]),
    ...(wal.missing === null ? [] : [`             ${wal.missing} is missing: nothing behind it can be replayed`]),
    `  takes      ${formatBytes(sizes.unpacked)} on disk, from ${formatBytes(sizes.stored)} stored`,
    `  lasts      about ${formatDuration(estimate.fetchMs)} to restore and ${formatDuration(estimate.replayMs)} to replay (${basis})`,
    `  archiving  ${plan.archiving === 'keep' ? 'goes on as at the source, on a new timeline' : 'off (--keep-archiving for a server that replaces the lost one)'}`,
    'Recovery window of this cluster:',
    ...renderWindows(plan.windows),
    'Nothing was done.',
  ];
  return lines.join('\n');
}

function walLine({ wal }: ClusterPlanSummary): string {
  if (wal.segments === 0) return `only the WAL inside the backup, ${wal.from} to ${wal.to}`;
  return `${formatCount(wal.segments)} segments, ${wal.first} to ${wal.last} (${wal.from} to ${wal.to})`;
}

/** One line a window, with its zone. */
export function renderWindows(windows: readonly RecoveryWindow[]): string[] {
  if (windows.length === 0) return ['  none: no base backup can be brought to a consistent state'];
  return windows.flatMap((window) => {
    const end = {
      commit: '',
      upload: ' at most (the WAL could not be read here)',
      backup: ' (the end of the backup; nothing was committed behind it)',
    }[window.toSource];
    const from = formatInstant(window.from);
    const to = formatInstant(window.to);
    return [
      `  ${from} to ${to}${end}, timeline ${window.timeline}`,
      ...(window.missing === null ? [] : [`    it ends at a gap: ${window.missing} is missing`]),
    ];
  });
}

export function renderRestoredCluster(result: RestoredCluster, style: Style): string {
  const { phases, replay } = result;
  const lines = [
    `${style.green('✓')} ${result.label} is restored in ${result.dataDirectory}`,
    `    ${formatCount(result.files)} files (${formatBytes(result.bytes)}), the archives compared with their SHA-256 · ${formatDuration(result.durationMs)}`,
    `    fetch ${formatDuration(phases.fetchMs)} · configure ${formatDuration(phases.configureMs)} · sync ${formatDuration(phases.syncMs)}`,
  ];
  if (replay) {
    const { startMs, replayMs, promoteMs } = replay.phases;
    const commit =
      replay.replayedCommitAt === null
        ? 'no commit behind the backup'
        : `last commit ${formatInstant(replay.replayedCommitAt)}`;
    lines.push(
      `${style.green('✓')} Replayed to ${replay.replayedLsn}, ${commit}; promoted to timeline ${replay.timeline}`,
      `    start ${formatDuration(startMs)} · replay ${formatDuration(replayMs)} · promote ${formatDuration(promoteMs)}`,
    );
  } else {
    lines.push(`    When it is started it replays up to ${result.target}, and promotes itself`);
  }
  if (result.archiving === 'off') {
    lines.push(
      `${style.yellow('!')} It does not archive. Where it replaces the lost server: ALTER SYSTEM RESET archive_mode, and a restart`,
    );
  }
  if (replay?.running) {
    const { socketDirectory, user, database } = replay;
    lines.push(`It runs, isolated: psql -h ${socketDirectory} -U ${quoted(user!)} -d ${quoted(database!)}`);
  } else {
    lines.push(
      `${replay ? '' : `    ${result.recoveryDirectory} is needed until then; remove it afterwards\n`}Start it: ${result.start}`,
    );
  }
  return lines.join('\n');
}

function quoted(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
