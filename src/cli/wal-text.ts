import { StructdbError } from '../core/errors.ts';
import { formatInstant } from '../core/instant.ts';
import { formatBytes, formatCount } from '../core/units.ts';
import { NO_IDENTITY } from '../storage/sealing.ts';
import type { Store } from '../storage/store.ts';
import type { ClusterWalStatus, VerifiedArchive, WalStatusResult } from '../wal/index.ts';
import type { Style } from './output.ts';

export function renderWalStatus(result: WalStatusResult, style: Style): string {
  const { clusters, server, serverError, walStore, work } = result;
  const lines = [clusters.length === 0 ? `There is no WAL in ${walStore}.` : `WAL in ${walStore}`];
  for (const cluster of clusters) lines.push(...renderCluster(cluster, style));
  if (result.trimLimitBytes !== null && clusters.some(({ baseBackups }) => baseBackups === 0)) {
    lines.push(`  trimmed beyond ${formatBytes(result.trimLimitBytes)} while there is no base backup`);
  }
  if (server) {
    const { lastArchived, lastArchivedAt, waiting, slot, current, behindSegments } = server;
    lines.push('The server');
    if (current !== null) lines.push(`  writes         ${current}`);
    if (behindSegments !== null) lines.push(`  ahead          ${formatCount(behindSegments)} whole segments`);
    lines.push(
      `  last archived  ${lastArchived === null ? 'nothing' : `${lastArchived} at ${formatInstant(lastArchivedAt!)}`}`,
    );
    lines.push(`  waiting        ${waiting === null ? 'unknown: the role lacks pg_monitor' : formatCount(waiting)}`);
    if (slot) {
      lines.push(
        `  slot           "${slot.name}", ${slot.active ? 'in use' : 'nobody reads it'}, ${formatBytes(slot.lagBytes)} behind`,
      );
    }
  } else if (serverError !== null) lines.push(`${style.yellow('!')} The server was not asked: ${serverError}`);
  for (const line of work) lines.push(`${style.yellow('!')} ${line}`);
  return lines.join('\n');
}

function renderCluster(cluster: ClusterWalStatus, style: Style): string[] {
  const lines = [`  cluster ${cluster.systemIdentifier}`];
  for (const { timeline, segments, sizeBytes, oldest, newest, newestAt, holes } of cluster.timelines) {
    lines.push(
      `    timeline ${timeline}: ${formatCount(segments)} segments, ${formatBytes(sizeBytes)}, ${oldest} to ${newest}, the last at ${formatInstant(newestAt)}`,
    );
    for (const { first, last, since } of holes) {
      const which = first === last ? first : `${first} to ${last}`;
      lines.push(`    ${style.red('✗')} missing: ${which}, since ${formatInstant(since)}`);
    }
  }
  if (cluster.partials > 0) lines.push(`    ${formatCount(cluster.partials)} upload of an open segment`);
  for (const { from, to, timeline } of cluster.windows) {
    lines.push(
      `    ${style.green('✓')} can be brought back to ${formatInstant(from)} … ${formatInstant(to)} (timeline ${timeline})`,
    );
  }
  if (cluster.baseBackups === 0) lines.push('    no base backup: WAL alone brings nothing back');
  return lines;
}

/** 4 where the recovery window has a hole, 3 where there is something to do. */
export function statusVerdict({ clusters, work }: WalStatusResult): StructdbError | undefined {
  const holes = clusters.flatMap(({ missing }) => missing.filter(({ inWindow }) => inWindow));
  if (holes.length > 0) {
    return new StructdbError(
      'WAL_HOLE',
      `The recovery window has a hole: ${holes.map(({ segment }) => segment).join(', ')} is missing.`,
      {
        details: holes.map(
          ({ segment, base, since }) =>
            `${base} cannot be replayed beyond ${segment}${since ? `, missing since ${since}` : ''}`,
        ),
        hint: 'If the server still has it in pg_wal: structdb wal push <file>. Else make a base backup: structdb backup run --kind base',
      },
    );
  }
  if (work.length === 0) return undefined;
  return new StructdbError('WAL_BEHIND', work[0]!, {
    details: work.slice(1),
    hint: 'See docs/wal.md; then: structdb wal status',
  });
}

export function renderVerified(archives: readonly VerifiedArchive[], store: Store, style: Style): string {
  if (archives.length === 0) return `There is no WAL in ${store.location}.`;
  return archives
    .flatMap(({ systemIdentifier, files, sizeBytes, read, unread, holes, problems, ok }) => [
      `${ok ? style.green('✓') : style.red('✗')} ${systemIdentifier}: ${formatCount(files)} files, ${formatBytes(sizeBytes)}, ${formatCount(read)} of them read`,
      ...(unread > 0
        ? [
            `    ${style.yellow('!')} ${formatCount(unread)} are encrypted and were not read: ${store.sealing?.lacking ?? NO_IDENTITY}`,
          ]
        : []),
      ...holes.map(({ first, last }) => `    missing: ${first === last ? first : `${first} to ${last}`}`),
      ...problems.map(({ key, what }) => `    ${key}: ${what}`),
    ])
    .join('\n');
}

export function verifyVerdict(archives: readonly VerifiedArchive[]): StructdbError | undefined {
  const problems = archives.flatMap(({ problems: found }) => found);
  const holes = archives.flatMap(({ holes: found }) => found);
  const details = [
    ...problems.map(({ key, what }) => `${key}: ${what}`),
    ...holes.map(({ first, last }) => `missing: ${first} to ${last}`),
  ];
  if (problems.length > 0) {
    return new StructdbError(
      'WAL_CORRUPT',
      `${problems.length} archived files are not what was stored: ${problems[0]!.key}.`,
      {
        details,
        hint: 'See what can still be reached: structdb wal status. Make a base backup: structdb backup run --kind base',
      },
    );
  }
  if (holes.length === 0) return undefined;
  return new StructdbError('WAL_HOLE', `The archive has a hole: ${holes[0]!.first} is missing.`, {
    details,
    hint: 'See what can still be reached: structdb wal status',
  });
}
