/** What the five panels show of one database, at one scrape. */
export interface LiveSample {
  readonly at: Date;
  /** 0 to 1; null where nothing was read since the scrape before. */
  readonly indexHitRatio: number | null;
  readonly cacheHitRatio: number | null;
  /** Of the whole server. */
  readonly connections: {
    readonly used: number;
    readonly max: number;
    readonly byState: Readonly<Record<string, number>>;
  };
  readonly commitsPerSecond: number | null;
  readonly rollbacksPerSecond: number | null;
}

/** A query by what it takes, from pg_stat_statements. */
export interface SlowQuery {
  readonly queryId: string;
  /** Parameters are $1, $2 …; cut to 500 characters. */
  readonly text: string;
  readonly calls: number;
  readonly meanMs: number;
  readonly totalMs: number;
  readonly rows: number;
}

/** What a database that is not up does. */
export function silenceOf({ refuses }: Pick<LiveState, 'refuses'>): string {
  return refuses ? 'refuses the monitor' : 'does not answer';
}

/** What is known of one monitored database right now. */
export interface LiveState {
  /** Without password: `structdb on localhost:5432`. */
  readonly name: string;
  readonly up: boolean;
  /** Whether it is not up because the server answers and lets the monitor not in: a wrong password, no such database. */
  readonly refuses: boolean;
  /** Why it is not, or what could not be read, a line each. */
  readonly problems: readonly string[];
  readonly serverVersion: string | null;
  readonly startedAt: Date | null;
  readonly inRecovery: boolean | null;
  /** Oldest first; as many as are kept in memory. */
  readonly history: readonly LiveSample[];
  /** At most ten; empty with a reason in `problems` where pg_stat_statements is missing. */
  readonly slowQueries: readonly SlowQuery[];
}
