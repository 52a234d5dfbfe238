/**
 * The limits of each kind of work. The database itself has statement_timeout = 30s for the platform (migration 005), so
 * every structdb connection names its own: otherwise a concurrent index build dies at 30 s and leaves an invalid index.
 * Milliseconds; 0 means no limit.
 */
export interface WorkProfile {
  readonly applicationName: string;
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly idleInTransactionTimeoutMs: number;
}

const profile = (
  work: string,
  statementTimeoutMs: number,
  lockTimeoutMs: number,
  idleInTransactionTimeoutMs: number,
): WorkProfile =>
  Object.freeze({ applicationName: `structdb ${work}`, statementTimeoutMs, lockTimeoutMs, idleInTransactionTimeoutMs });

const SECOND = 1000;
const MINUTE = 60 * SECOND;

export const profiles = Object.freeze({
  /** Short questions: version, status, list. */
  probe: profile('probe', 10 * SECOND, 5 * SECOND, MINUTE),
  /** DDL may run long (index builds) but must not queue long behind a lock: everybody else queues behind it. */
  migrate: profile('migrate', 0, 5 * SECOND, 10 * MINUTE),
  catalog: profile('catalog', 30 * MINUTE, 10 * SECOND, 5 * MINUTE),
  seed: profile('seed', 30 * MINUTE, 10 * SECOND, 10 * MINUTE),
  bench: profile('bench', 30 * SECOND, 5 * SECOND, MINUTE),
  /** Holds the dump's snapshot open while pg_dump runs: no idle limit. */
  backup: profile('backup', 0, 30 * SECOND, 0),
  restore: profile('restore', 0, 30 * SECOND, 0),
  drill: profile('drill', 0, 30 * SECOND, 0),
  dashboard: profile('dashboard', 10 * MINUTE, 10 * SECOND, MINUTE),
  /** What applications get through createDatabase. */
  application: profile('application', 30 * SECOND, 10 * SECOND, MINUTE),
});
