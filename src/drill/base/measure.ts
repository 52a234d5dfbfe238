import { parseLsn } from '../../core/lsn.ts';
import { type Check, check } from '../checks.ts';
import type { FromStore } from '../from-store.ts';
import type { BaseDrillResult } from '../result.ts';
import type { ChosenCluster } from './choose.ts';

/** Below this the pace of replay says nothing: segments that were closed early are mostly empty. */
const TELLING_REPLAY_MS = 1000;

/** How fast data and WAL came back, and what size the objective would cover at that rate. */
export function rateOf(
  { restored, phases }: FromStore,
  rtoMs: number,
  measuredMs: number,
  walBytes: number,
): BaseDrillResult['rate'] {
  const fetchMs = Math.max(1, phases.fetchMs);
  const bytesPerMs = restored.bytes / fetchMs;
  const telling = phases.replayMs >= TELLING_REPLAY_MS;
  return {
    bytesPerSecond: Math.round(bytesPerMs * 1000),
    replayBytesPerSecond: telling ? Math.round((walBytes / phases.replayMs) * 1000) : null,
    coveredBytes: Math.max(0, Math.round(bytesPerMs * (rtoMs - (measuredMs - fetchMs)))),
    sizeBytes: restored.bytes,
  };
}

/** Replay must have come as far as the plan said, and no further than was wished. */
export function replayed(
  { plan, replay }: FromStore,
  { target }: ChosenCluster,
  lastCommitAt: Date | undefined,
): Check {
  const problems: string[] = [];
  const { reach } = plan;
  const end = parseLsn(replay.replayedLsn) ?? 0n;
  const size = BigInt(plan.backup.manifest.walSegmentBytes);
  if (target.kind === 'latest') {
    // The last segment may be empty behind a switch, but replay has entered it, or the one before ends with it.
    const least = reach.partial ? reach.partial.lsn - size : reach.endLsn - size;
    if (end < least) problems.push(`replay ended at ${replay.replayedLsn}, long before the end of the archive`);
  } else if (lastCommitAt && lastCommitAt.getTime() > Date.parse(target.at)) {
    problems.push(`a transaction of ${lastCommitAt.toISOString()} is there, later than the instant that was wished`);
  }
  return check('replay', `up to ${replay.replayedLsn}, now on timeline ${replay.timeline}`, problems);
}

/** The newest heartbeat is told; none is no fault. */
export function heartbeat(at: Date | undefined): Check {
  const good = at === undefined ? 'none is written' : `the newest is of ${at.toISOString()}`;
  return check('heartbeat', good, []);
}
