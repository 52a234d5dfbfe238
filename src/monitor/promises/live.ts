import type { Objectives } from '../../config/schema.ts';
import { type LiveSample, type LiveState, silenceOf } from '../live.ts';
import type { PromiseVerdict } from '../promise.ts';
import { broken, kept, none, percent, unknown } from './verdict.ts';

/** Hit rates are judged by the median of the newest samples: one scrape may have read three blocks. */
const JUDGED_SAMPLES = 20;
/** So many samples with a rate are needed. */
const ENOUGH_SAMPLES = 3;

/** What the server's own statistics say. `place` 0 is the configured database; the others have their names in the ids. */
export function judgeLive(state: LiveState, place: number, objectives: Objectives): readonly PromiseVerdict[] {
  const suffix = place === 0 ? '' : ` ${state.name}`;
  const up = judgeUp(state, `server.up${suffix}`);
  if (!state.up) return [up];
  const rates = [
    judgeRate(state, `index.hit-rate${suffix}`, 'index', ({ indexHitRatio }) => indexHitRatio, objectives.indexHitRate),
    judgeRate(state, `cache.hit-rate${suffix}`, 'cache', ({ cacheHitRatio }) => cacheHitRatio, objectives.cacheHitRate),
  ];
  return [up, judgeConnections(state, `connections${suffix}`, objectives.connectionUtilisation), ...rates];
}

function judgeUp(state: LiveState, id: string): PromiseVerdict {
  const { up, refuses, name, problems, serverVersion, inRecovery } = state;
  // A server that refuses runs: who follows the way of a killed one looks in the wrong place.
  const runbook = refuses ? 'monitoring.md#the-role' : 'runbooks/server-killed.md';
  if (!up) {
    const fix = refuses
      ? "structdb doctor   and mend the monitor's URL or password, or the server's pg_hba.conf"
      : 'structdb doctor   and where it is down, start it: structdb dev start for the private one';
    return broken(id, fix, { message: `${name} ${silenceOf(state)}.`, details: problems, runbook });
  }
  const what = `${name} answers: PostgreSQL ${serverVersion ?? '(version unknown)'}`;
  return kept(id, { message: `${what}${inRecovery ? ', a standby' : ''}.`, details: problems, runbook });
}

function judgeConnections({ history }: LiveState, id: string, limit: number): PromiseVerdict {
  const runbook = 'monitoring.md#connections';
  const last = history.at(-1)?.connections;
  if (!last || last.max === 0) return unknown(id, null, { message: 'Connections were not counted yet.', runbook });
  const ratio = last.used / last.max;
  const states = Object.entries(last.byState).map(([state, count]) => `${count} ${state}`);
  const told = {
    message: `${last.used} of ${last.max} connections are in use; ${percent(limit)} are promised not to be exceeded.`,
    details: states.length === 0 ? [] : [states.join(', ')],
    measured: { value: ratio, limit, unit: 'ratio' },
    runbook,
  } as const;
  if (ratio <= limit) return kept(id, told);
  return broken(
    id,
    'Who it is: select usename, application_name, state, count(*) from pg_stat_activity group by 1, 2, 3',
    told,
  );
}

function judgeRate(
  { history }: LiveState,
  id: string,
  what: 'index' | 'cache',
  rateOf: (sample: LiveSample) => number | null,
  limit: number,
): PromiseVerdict {
  const runbook = 'monitoring.md#hit-rates';
  const rates = history.slice(-JUDGED_SAMPLES).flatMap((sample) => rateOf(sample) ?? []);
  if (rates.length < ENOUGH_SAMPLES) {
    const message = `The ${what} hit rate is judged over time: ${rates.length} of ${ENOUGH_SAMPLES} samples so far.`;
    return none(id, { message, runbook });
  }
  const value = median(rates);
  const told = {
    message: `The ${what} hit rate is ${percent(value)} of ${percent(limit)}.`,
    details: [`Median of the last ${rates.length} samples in which blocks were read.`],
    measured: { value, limit, unit: 'ratio' },
    runbook,
  } as const;
  if (value >= limit) return kept(id, told);
  const fix =
    what === 'index' ? 'structdb bench   shows missed indexes' : 'Raise shared_buffers, or look at the slow queries';
  return broken(id, fix, told);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
