import type { Kysely } from 'kysely';
import type pg from 'pg';
import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { connect, withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { requireSupportedServer } from '../postgres/server-version.ts';
import { describeActivity, type SessionActivity } from './activity.ts';
import { kyselyOver } from './dialect.ts';
import { MigrationAdapter } from './lock.ts';
import { type Registry, registry as shipped } from './registry.ts';
import { watchBlockers } from './run/blockers.ts';
import { StructdbMigrator } from './run/migrator.ts';
import { Observer } from './run/observer.ts';
import { DEFAULT_LOCK_TIMEOUT_MS } from './run/timeouts.ts';
import { leaveBooksOut } from './search-path.ts';

export interface MigrationSession {
  readonly client: pg.Client;
  readonly db: Kysely<unknown>;
  readonly migrator: StructdbMigrator;
}

export interface MigrationSessionOptions {
  /** Of the statements of migrations that have none of their own. */
  readonly lockTimeoutMs?: number | undefined;
  readonly registry?: Registry | undefined;
}

/**
 * One connection with a Migrator on it, closed afterwards. What the migrations tell (RAISE NOTICE) is reported; Ctrl-C
 * cancels the running statement.
 */
export async function withMigrator<T>(
  connection: ConnectionSettings,
  lockWaitMs: number,
  context: RunContext,
  work: (session: MigrationSession) => Promise<T>,
  { lockTimeoutMs = DEFAULT_LOCK_TIMEOUT_MS, registry = shipped }: MigrationSessionOptions = {},
): Promise<T> {
  // Also at start-up: what a migration resets by itself goes back to this.
  const profile = { ...profiles.migrate, lockTimeoutMs };
  return withClient(connection, profile, context, async (client) => {
    await requireSupportedServer(client);
    await leaveBooksOut(client, connection.user);
    reportNotices(client, context);
    const { clock, signal } = context;
    const onWait = (holder: string) =>
      context.report({ kind: 'notice', message: `Waiting for another migration run: ${holder}` });
    const db = kyselyOver(client, new MigrationAdapter({ waitMs: lockWaitMs, clock, signal, onWait }));
    const observer = new Observer(() => connect(connection, profiles.probe));
    const watch = {
      observer,
      pid: (client as unknown as { readonly processID: number }).processID,
      everyMs: lookEvery(lockTimeoutMs),
      // Later than the lock timeout would have ended the wait: only what has none is told of here.
      tellAfterMs: (lockTimeoutMs || DEFAULT_LOCK_TIMEOUT_MS) * 1.2,
      tell: (blockers: readonly SessionActivity[]) =>
        context.report({ kind: 'notice', message: `Still waiting for ${blockers.map(describeActivity).join('; ')}` }),
    };
    const migrator = new StructdbMigrator({
      db,
      registry,
      context,
      lockTimeoutMs,
      watched: (attempt) => watchBlockers(watch, attempt),
    });
    try {
      return await work({ client, db, migrator });
    } finally {
      observer.end();
    }
  });
}

/** Often enough to see who is in the way before the lock timeout ends the wait. Milliseconds. */
function lookEvery(lockTimeoutMs: number): number {
  return lockTimeoutMs === 0 ? 250 : Math.max(20, Math.min(250, lockTimeoutMs / 4));
}

/**
 * When structdb is killed, the server stops its statement within seconds, instead of building an index to its end with
 * the migration lock held. Not every system that PostgreSQL runs on can tell (manual, client_connection_check_interval).
 */
export async function noticeWhenKilled(client: pg.Client): Promise<void> {
  await client.query(`set client_connection_check_interval = '2s'`).catch(() => {});
}

/** RAISE has SQLSTATE 00000; "already exists, skipping" and its like have their own and say nothing new. */
function reportNotices(client: pg.Client, context: RunContext): void {
  client.on('notice', ({ code, severity, message, hint }) => {
    if (code !== '00000' || message === undefined) return;
    const kind = severity === 'WARNING' ? 'warning' : 'notice';
    context.report({ kind, message, ...(hint ? { hint } : {}) });
  });
}
