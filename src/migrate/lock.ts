import { setTimeout as sleep } from 'node:timers/promises';
import { type Kysely, PostgresAdapter, sql } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { interrupted } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';
import { ACTIVITY_COLUMNS, describeActivity, type SessionActivity } from './activity.ts';
import { SessionTraffic } from './run/session-traffic.ts';

/** kysely's own key (postgres-adapter.js): a plain `kysely migrate` elsewhere excludes structdb and is excluded by it. */
const MIGRATION_LOCK_KEY = '3853314791062309107';
const POLL_INTERVAL_MS = 100;

export interface LockOptions {
  /** How long to wait for somebody else's run. */
  readonly waitMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called once, when the lock is not free at first. */
  readonly onWait: (holder: string) => void;
}

/**
 * PostgreSQL's adapter with a lock that asks again and again instead of waiting in the server: a session that waits in
 * pg_advisory_lock holds a snapshot, which CREATE INDEX CONCURRENTLY of the holder waits for in turn, and one of the two
 * dies of the deadlock. Taken again by the same session it only counts, so that a whole run is one holding.
 */
export class MigrationAdapter extends PostgresAdapter {
  readonly #options: LockOptions;
  /** Of the session that holds the lock. */
  readonly traffic = new SessionTraffic();
  #depth = 0;

  constructor(options: LockOptions) {
    super();
    this.#options = options;
  }

  override async acquireMigrationLock(db: Kysely<unknown>): Promise<void> {
    if (this.#depth === 0) await this.#poll(db);
    this.#depth += 1;
  }

  override async releaseMigrationLock(db: Kysely<unknown>): Promise<void> {
    // kysely releases in a `finally`, also when the lock was never got: that must not hide the reason.
    if (this.#depth === 0) return;
    this.#depth -= 1;
    if (this.#depth > 0) return;
    const { rows } = await sql<{
      released: boolean;
    }>`select pg_advisory_unlock(${sql.lit(MIGRATION_LOCK_KEY)}::bigint) as released`.execute(db);
    if (rows[0]?.released !== true) throw strandedLock();
  }

  async #poll(db: Kysely<unknown>): Promise<void> {
    const { clock, signal, waitMs, onWait } = this.#options;
    const deadline = clock.monotonicMs() + waitMs;
    for (let attempt = 0; ; attempt += 1) {
      if (signal.aborted) throw interrupted();
      if (await tryLock(db)) return;
      const holder = await describeHolder(db);
      if (clock.monotonicMs() >= deadline) throw lockedBy(holder, waitMs);
      if (attempt === 0) onWait(holder);
      await sleep(POLL_INTERVAL_MS, undefined, { signal }).catch(() => {});
    }
  }
}

async function tryLock(db: Kysely<unknown>): Promise<boolean> {
  const { rows } = await sql<{
    locked: boolean;
  }>`select pg_try_advisory_lock(${sql.lit(MIGRATION_LOCK_KEY)}::bigint) as locked`.execute(db);
  return rows[0]?.locked === true;
}

/** Who holds the lock; what a plain role may not see of others is left out. */
async function describeHolder(db: Kysely<unknown>): Promise<string> {
  const { rows } = await sql<SessionActivity>`
    select l.pid, ${sql.raw(ACTIVITY_COLUMNS)}
    from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted
      and l.database = (select oid from pg_database where datname = current_database())
      and ((l.classid::bigint << 32) | l.objid::bigint) = ${sql.lit(MIGRATION_LOCK_KEY)}::bigint and l.objsubid = 1`.execute(
    db,
  );
  return rows[0] ? describeActivity(rows[0]) : 'a session that ended just now';
}

function lockedBy(holder: string, waitMs: number): StructdbError {
  const [still, waited] = waitMs > 0 ? [' still', ` after ${formatDuration(waitMs)}`] : ['', ''];
  return new StructdbError('LOCKED', `Another migration run${still} holds the lock${waited}: ${holder}.`, {
    hint: 'Wait for it, or give more time: structdb migrate up --lock-wait "5 minutes"',
  });
}

function strandedLock(): StructdbError {
  return new StructdbError(
    'POOLED_CONNECTION',
    'The migration lock was taken in one session and could not be released in another: the connection goes through a pooler in transaction mode.',
    { hint: 'Give the address of the server itself (--url), not of the pooler.' },
  );
}
