import type { WarmUp } from './warm-up.ts';

/** An event loop that works more than this share of the time lets answers wait. */
export const BUSY_LOOP = 0.8;
/** A request of an open loop that comes while another is worked on waits: the loops must be idle most of the time. */
const BUSY_BY_SCHEDULE = 0.4;

/**
 * Whether so many event loops are too few, by what the warm-up showed. A closed loop asks as much as it can, in the warm-up
 * too; how busy a schedule will keep the loops follows from its rate and what a request took them.
 */
export function needsMoreLoops(
  { busy, loopMsPerRequest }: Pick<WarmUp, 'busy' | 'loopMsPerRequest'>,
  ratePerSecond: number | null,
  loops: number,
): boolean {
  if (ratePerSecond === null) return busy > BUSY_LOOP;
  return (loopMsPerRequest * ratePerSecond) / 1000 / loops > BUSY_BY_SCHEDULE;
}
