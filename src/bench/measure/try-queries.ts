import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { type Load, request } from './request.ts';

/**
 * Runs every query once, one after the other, before anything is timed: one that fails or writes is named at once instead of
 * in the middle of a run.
 * @throws BENCH_QUERY_FAILED, BENCH_QUERY_WRITES, INTERRUPTED
 */
export async function tryQueries(load: Load, context: Pick<RunContext, 'signal'>): Promise<void> {
  for (const place of load.queries.keys()) {
    stopIfInterrupted(context);
    await request(load, place, 0, () => {});
  }
}
