import { formatBytes, formatDuration } from '../../core/units.ts';
import type { WalStatusResult } from '../../wal/index.ts';
import type { Facts } from '../facts/facts.ts';
import type { PromiseVerdict } from '../promise.ts';
import { ago, broken, judged, kept, none, unknown } from './verdict.ts';

const ARCHIVING = 'wal.archiving';
const COMPLETE = 'wal.complete';
const RUNBOOK = 'wal.md';

/** Whether WAL leaves the server in time, and whether what was archived is without holes. */
export function judgeArchive({ wal }: Facts, rpoMs: number, now: Date): readonly PromiseVerdict[] {
  const ids = [ARCHIVING, COMPLETE];
  return judged(wal, { ids, what: 'The WAL archive', runbook: RUNBOOK }, now, (found) => {
    if (found === null) {
      const message = 'No WAL is archived: a disaster costs everything since the last backup.';
      return [
        none(ARCHIVING, { message, runbook: RUNBOOK }, 'Set archive_command (docs/wal.md), or: structdb wal receive'),
      ];
    }
    return [judgeArchiving(found, rpoMs, now), judgeComplete(found)];
  });
}

function judgeArchiving(found: WalStatusResult, rpoMs: number, now: Date): PromiseVerdict {
  const { server, serverError } = found;
  const newestAt = newestOf(found);
  if (server === null) {
    return unknown(ARCHIVING, 'structdb doctor', {
      message: `How archiving goes cannot be asked: ${serverError ?? 'there is no server.'}`,
      details: newestAt === null ? [] : [`The newest segment was archived ${ago(now.getTime() - newestAt.getTime())}.`],
      runbook: RUNBOOK,
    });
  }
  if (server.failing) {
    const since = server.lastArchivedAt === null ? 'from the beginning' : `since ${server.lastArchivedAt}`;
    return broken(ARCHIVING, "Read the server's log for archive_command, and see: structdb doctor", {
      message: `Archiving fails at ${server.lastFailed}, ${since}; the server keeps its WAL until its disk is full.`,
      details: found.work,
      measured: { value: server.waiting ?? 1, limit: null, unit: 'count' },
      runbook: RUNBOOK,
    });
  }
  const receives = server.slot?.active === true;
  if (server.archiveMode === 'off' && !receives) {
    return broken(ARCHIVING, 'structdb wal receive   or set archive_command (docs/wal.md)', {
      message: 'WAL goes nowhere: archive_mode is off and nobody receives it.',
      details: found.work,
      runbook: RUNBOOK,
    });
  }
  const backlog = Math.max(server.waiting ?? 0, server.behindSegments ?? 0);
  const lagMs = newestAt === null ? 0 : now.getTime() - newestAt.getTime();
  const measured = { value: backlog, limit: null, unit: 'count' } as const;
  if (backlog > 0 && newestAt !== null && lagMs > rpoMs) {
    return broken(ARCHIVING, 'structdb wal status', {
      message: `Archiving is behind: ${backlog} segments wait, the newest was archived ${ago(lagMs)}; ${formatDuration(rpoMs)} are promised.`,
      details: found.work,
      measured,
      runbook: RUNBOOK,
    });
  }
  const slot = judgeSlot(server.slot, server.segmentSizeBytes);
  if (slot !== null) {
    const fix = 'structdb wal receive   or drop it: select pg_drop_replication_slot(…)';
    return broken(ARCHIVING, fix, { message: slot, details: found.work, measured, runbook: RUNBOOK });
  }
  if (!receives && (server.archiveTimeoutSeconds === 0 || server.archiveTimeoutSeconds * 1000 > rpoMs)) {
    const message =
      server.archiveTimeoutSeconds === 0
        ? 'archive_timeout is 0: the last commits of a quiet server stay out of the archive for hours.'
        : `archive_timeout is ${server.archiveTimeoutSeconds} s: the last commits may stay out of the archive for so long.`;
    const details = [`A loss of at most ${formatDuration(rpoMs)} is promised.`, ...found.work];
    const fix = `ALTER SYSTEM SET archive_timeout = '60s'; SELECT pg_reload_conf();   or: structdb wal receive`;
    return broken(ARCHIVING, fix, { message, details, measured, runbook: RUNBOOK });
  }
  const how = receives ? 'WAL is received as it is written' : 'WAL is archived';
  const last = newestAt === null ? 'no segment was closed yet' : `the newest segment ${ago(lagMs)}`;
  return kept(ARCHIVING, { message: `${how}; ${last}.`, details: found.work, measured, runbook: RUNBOOK });
}

/** What is wrong with the slot of `wal receive`; null where nothing is. */
function judgeSlot(slot: NonNullable<WalStatusResult['server']>['slot'], segmentSizeBytes: number): string | null {
  if (slot === null) return null;
  if (slot.wasLost) return `The server gave up the slot "${slot.name}": WAL may be missing.`;
  if (slot.active || slot.lagBytes <= segmentSizeBytes) return null;
  return `The server keeps ${formatBytes(slot.lagBytes)} of WAL for the slot "${slot.name}", which nobody reads.`;
}

function newestOf({ clusters }: WalStatusResult): Date | null {
  const instants = clusters.flatMap(({ timelines }) => timelines.map(({ newestAt }) => newestAt.getTime()));
  return instants.length === 0 ? null : new Date(Math.max(...instants));
}

/** Holes that cost an instant of the recovery window; what lies before it, retention takes away. */
function judgeComplete({ clusters }: WalStatusResult): PromiseVerdict {
  const missing = clusters.flatMap((cluster) => cluster.missing);
  const inWindow = missing.filter((hole) => hole.inWindow);
  const segments = clusters.reduce(
    (sum, { timelines }) => sum + timelines.reduce((n, each) => n + each.segments, 0),
    0,
  );
  const details = missing.map(({ segment, base, since }) => {
    return `${segment} is missing${since === null ? '' : ` since ${since}`}: ${base} cannot get beyond it.`;
  });
  const measured = { value: missing.length, limit: 0, unit: 'count' } as const;
  if (inWindow.length > 0) {
    const [first] = inWindow;
    return broken(COMPLETE, 'structdb wal verify   and begin anew: structdb backup run --kind base', {
      message: `The archive has a hole inside of the recovery window: ${first!.segment} is missing.`,
      details,
      measured,
      runbook: 'runbooks/wal-lost.md',
    });
  }
  const message = `${segments} archived segments, ${missing.length === 0 ? 'without a hole that matters' : 'with a hole before the recovery window'}.`;
  return kept(COMPLETE, { message, details, measured, runbook: RUNBOOK });
}
