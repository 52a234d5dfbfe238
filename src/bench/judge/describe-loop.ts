import { formatCount, formatDuration } from '../../core/units.ts';
import type { Point } from '../result.ts';

/** Which loop it was, and what its latencies mean: every report says it. */
export function describeLoop(point: Pick<Point, 'loop' | 'clients' | 'workers' | 'prepared'>): string {
  const { loop, clients, workers, prepared } = point;
  const threads = `${workers === 1 ? '' : ` in ${workers} threads`}${prepared ? ', statements prepared' : ''}`;
  if (loop.kind === 'closed') {
    return `Closed loop${threads}: each of ${clients} clients asks again when it has its answer. These are service times: who would have asked meanwhile is left out (coordinated omission). What users wait at a given rate: --rate.`;
  }
  const { ratePerSecond, late, requests, maxLagMs, lateByClient } = loop;
  const lag =
    late === 0
      ? 'none began late'
      : `${formatCount(late)} of ${formatCount(requests)} began late, by ${formatDuration(maxLagMs)} at most (${formatCount(lateByClient)} because Node was busy)`;
  return `Open loop${threads}: ${ratePerSecond} requests per second by a Poisson schedule, at most ${clients} at once; latencies count from the scheduled start; ${lag}.`;
}
