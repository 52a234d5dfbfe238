import { formatCount, formatDuration } from '../../core/units.ts';
import { BUSY_LOOP } from '../measure/loops-needed.ts';
import type { Lag } from '../measure/open-loop.ts';
import type { Samples } from '../measure/samples.ts';
import type { BusyPhase } from '../measure/timed-run.ts';
import type { OtherLoad } from '../observe/other-load.ts';
import type { Doubt } from '../result.ts';
import { blockMedians, designEffect } from '../statistics/blocks.ts';
import { nearestRank } from '../statistics/percentiles.ts';

/** Requests of an open loop that Node itself began late: more than this share is told. */
const LATE_BY_CLIENT = 0.05;
/** An open loop whose queue was never worked off: so late were the latest, in shares of the time that the schedule took. */
const FELL_BEHIND = 0.1;
/** Node without a processor for more than this share of the time in which it had work is told; if that was long enough. */
const STARVED = 0.5;
const LEAST_ACTIVE_MS = 200;
/** Somebody else at work in more than this share of all looks, or this share of the time, is told. */
const OTHERS_AT_WORK = 0.1;
/** Blocks that differ this much more than chance, about p < 0.001 for ten of them … */
const UNSTEADY_EFFECT = 3.1;
/** … and by more than this share of the median … */
const UNSTEADY_SPREAD = 0.5;
/** … for at least this share of the queries, are told. */
const UNSTEADY_QUERIES = 0.25;

/** Whether Node, not the database, was the limit. */
export function clientDoubt(phases: readonly BusyPhase[], workers: number, processors: number): Doubt[] {
  const busiest = phases.toSorted((a, b) => b.loop - a.loop)[0];
  if (!busiest || busiest.phase === 'mix' || busiest.loop <= BUSY_LOOP) return [];
  return [
    {
      kind: 'client-bound',
      message: `Node was at work ${percent(busiest.loop)} of the time while ${busiest.phase} queries ran (${threads(workers)}; timers up to ${formatDuration(busiest.delayMs)} late): a part of these latencies is the client's, not the database's. ${advice(workers, processors)}`,
    },
  ];
}

/** Whether the schedule of an open loop was kept, and who was late. */
export function scheduleDoubts(
  lag: Lag | null,
  ratePerSecond: number | null,
  options: { readonly workers: number; readonly processors: number },
): Doubt[] {
  if (lag === null || ratePerSecond === null || lag.requests === 0) return [];
  const doubts: Doubt[] = [];
  const scheduleMs = ((lag.requests + lag.notBegun) / ratePerSecond) * 1000;
  if (lag.notBegun > 0 || lag.maxMs > scheduleMs * FELL_BEHIND) {
    const left = lag.notBegun > 0 ? ` and ${formatCount(lag.notBegun)} never began` : '';
    doubts.push({
      kind: 'rate-not-kept',
      message: `${ratePerSecond} requests per second were too many: up to ${formatCount(lag.mostQueued)} waited for a connection, the latest began ${formatDuration(lag.maxMs)} late${left}. Latencies at such a rate grow with the length of the run. Ask at a lower --rate or with more --clients.`,
    });
  }
  if (lag.lateByClient > lag.requests * LATE_BY_CLIENT) {
    doubts.push({
      kind: 'client-bound',
      message: `Node began ${percent(lag.lateByClient / lag.requests)} of the requests more than a millisecond late although a connection was free (${threads(options.workers)}): their latencies are partly the client's. ${advice(options.workers, options.processors)}`,
    });
  }
  return doubts;
}

/** Whether the machine had no processor for Node when Node had work: then its latencies are the machine's. */
export function starvedDoubt(phases: readonly BusyPhase[]): Doubt[] {
  const activeMs = phases.reduce((sum, phase) => sum + phase.activeMs, 0);
  const processorMs = phases.reduce((sum, phase) => sum + phase.processorMs, 0);
  const starved = activeMs === 0 ? 0 : 1 - processorMs / activeMs;
  if (activeMs < LEAST_ACTIVE_MS || starved <= STARVED) return [];
  return [
    {
      kind: 'machine-busy',
      message: `In ${percent(starved)} of the time in which Node had work this machine gave it no processor: other programs, or the server itself, had them. The figures are partly the machine's. Run it again when it is quiet, or with fewer --clients.`,
    },
  ];
}

/** Whether somebody else used the server. */
export function otherLoadDoubt({ looks, busyLooks, most, who, elsewhere }: OtherLoad): Doubt[] {
  const seen = busyLooks >= 2 && busyLooks > looks * OTHERS_AT_WORK;
  if (!seen && (elsewhere ?? 0) <= OTHERS_AT_WORK) return [];
  const facts = [
    ...(seen ? [`${busyLooks} of ${looks} looks found up to ${most} at work: ${who.join(', ')}`] : []),
    ...(elsewhere === null || elsewhere < 0.01
      ? []
      : [`sessions of other databases were in statements ${percent(elsewhere)} of the time`]),
  ];
  return [
    {
      kind: 'other-load',
      message: `The server had other work during the run (${facts.join('; ')}): the figures may be worse than its own. Run it again when the server is quiet.`,
    },
  ];
}

/** Whether latencies rose and fell together far more than chance explains: something else used the machine. */
export function unsteadyDoubt(queries: readonly { readonly name: string; readonly samples: Samples }[]): Doubt[] {
  const unsteady = queries.flatMap(({ name, samples }) => {
    if (samples.latencies.length === 0) return [];
    const median = nearestRank(samples.latencies.toSorted(), 0.5);
    const medians = blockMedians(samples);
    const spread = (Math.max(...medians) - Math.min(...medians)) / median;
    return designEffect(samples, median) > UNSTEADY_EFFECT && spread > UNSTEADY_SPREAD ? [{ name, spread }] : [];
  });
  if (unsteady.length === 0 || unsteady.length < queries.length * UNSTEADY_QUERIES) return [];
  const worst = unsteady.reduce((a, b) => (a.spread >= b.spread ? a : b));
  return [
    {
      kind: 'unsteady',
      message: `The medians of ${unsteady.length} of ${queries.length} queries differ from block to block far more than chance explains, those of ${worst.name} by ${percent(worst.spread)}: something else used the machine meanwhile. Intervals were widened for it; run it again on a quieter machine.`,
    },
  ];
}

/** A warm-up that never came to rest. */
export function warmUpDoubt({ steady, rounds }: { readonly steady: boolean; readonly rounds: number }): Doubt[] {
  if (steady) return [];
  const message = `The warm-up ended at its limit after ${rounds} rounds, while rounds still became faster: the first blocks may be slower than the rest.`;
  return [{ kind: 'not-warm', message }];
}

function advice(workers: number, processors: number): string {
  return workers < processors
    ? `Give it more threads (--workers ${processors}), or fewer --clients.`
    : 'Run structdb on a machine with more processors than the server needs, or with fewer --clients.';
}

function threads(workers: number): string {
  return workers === 1 ? 'one event loop' : `${workers} event loops`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
