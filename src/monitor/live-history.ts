import type { LiveSample } from './live.ts';
import type { Sample } from './metrics/metric.ts';

/** What of a scrape the five panels are made from. */
export interface LiveCounters {
  readonly at: Date;
  /** A monotonic reading in milliseconds. */
  readonly ms: number;
  /** When the server was started and when the database's statistics were reset: what was counted before does not compare. */
  readonly since: string;
  readonly commits: number;
  readonly rollbacks: number;
  readonly blocksHit: number;
  readonly blocksRead: number;
  readonly indexHit: number;
  readonly indexRead: number;
  readonly connections: LiveSample['connections'];
}

/** Per second or as a ratio, between two scrapes; null where nothing can be said. */
export type LiveRates = Pick<LiveSample, 'indexHitRatio' | 'cacheHitRatio' | 'commitsPerSecond' | 'rollbacksPerSecond'>;

const UNKNOWN: LiveRates = Object.freeze({
  indexHitRatio: null,
  cacheHitRatio: null,
  commitsPerSecond: null,
  rollbacksPerSecond: null,
});

/** What happened between two scrapes; unknown after a restart or a reset of the statistics. */
export function ratesBetween(before: LiveCounters | undefined, now: LiveCounters): LiveRates {
  if (!before || before.since !== now.since) return UNKNOWN;
  const seconds = (now.ms - before.ms) / 1000;
  const delta = (of: (counters: LiveCounters) => number) => of(now) - of(before);
  const perSecond = (count: number) => (seconds > 0 && count >= 0 ? count / seconds : null);
  return {
    indexHitRatio: ratio(
      delta(({ indexHit }) => indexHit),
      delta(({ indexRead }) => indexRead),
    ),
    cacheHitRatio: ratio(
      delta(({ blocksHit }) => blocksHit),
      delta(({ blocksRead }) => blocksRead),
    ),
    commitsPerSecond: perSecond(delta(({ commits }) => commits)),
    rollbacksPerSecond: perSecond(delta(({ rollbacks }) => rollbacks)),
  };
}

/** null without reads, and where a count went back: a table was dropped, or its statistics were reset alone. */
function ratio(hit: number, read: number): number | null {
  return hit < 0 || read < 0 || hit + read === 0 ? null : hit / (hit + read);
}

/**
 * The last hours of a database in memory. Two that scrape do not double it: a sample is kept when the time for one has come.
 */
export class LiveHistory {
  readonly #everyMs: number;
  readonly #most: number;
  readonly #samples: LiveSample[] = [];
  #last: LiveCounters | undefined;

  /** @param keepMs how far back it reaches */
  constructor(everyMs: number, keepMs: number) {
    // A scrape that comes a little early is not left out.
    this.#everyMs = everyMs * 0.8;
    this.#most = Math.max(2, Math.ceil(keepMs / everyMs));
  }

  /** Oldest first. */
  get samples(): readonly LiveSample[] {
    return this.#samples;
  }

  add(now: LiveCounters): void {
    if (this.#last && now.ms - this.#last.ms < this.#everyMs) return;
    this.#samples.push({ at: now.at, connections: now.connections, ...ratesBetween(this.#last, now) });
    if (this.#samples.length > this.#most) this.#samples.shift();
    this.#last = now;
  }
}

/** undefined where a collector that is needed failed. */
export function liveCounters(
  at: { readonly at: Date; readonly ms: number },
  datname: string,
  ofServer: readonly Sample[],
  ofDatabase: readonly Sample[],
): LiveCounters | undefined {
  const own: Partial<Record<string, number>> = {};
  const byState: Record<string, number> = {};
  let max = 0;
  for (const { name, labels, value } of ofServer) {
    if (name === 'structdb_connections') byState[labels.state!] = value;
    else if (name === 'structdb_connections_limit') max = value;
    else if (name === 'pg_postmaster_start_time_seconds') own[name] = value;
    else if (labels.datname === datname && name.startsWith('pg_stat_database_')) own[name] = value;
  }
  let indexHit = 0;
  let indexRead = 0;
  for (const { name, value } of ofDatabase) {
    if (name === 'pg_statio_user_tables_idx_blocks_hit') indexHit += value;
    else if (name === 'pg_statio_user_tables_idx_blocks_read') indexRead += value;
  }
  const commits = own.pg_stat_database_xact_commit;
  if (commits === undefined || max === 0) return undefined;
  return {
    ...at,
    since: `${own.pg_postmaster_start_time_seconds} ${own.pg_stat_database_stats_reset}`,
    commits,
    rollbacks: own.pg_stat_database_xact_rollback ?? 0,
    blocksHit: own.pg_stat_database_blks_hit ?? 0,
    blocksRead: own.pg_stat_database_blks_read ?? 0,
    indexHit,
    indexRead,
    connections: { used: Object.values(byState).reduce((sum, count) => sum + count, 0), max, byState },
  };
}
