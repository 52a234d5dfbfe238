import type { Kysely } from 'kysely';
import type pg from 'pg';
import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { requireSupportedServer } from '../postgres/server-version.ts';
import { kyselyOver } from './dialect.ts';
import { MigrationAdapter } from './lock.ts';
import { StructdbMigrator } from './migrator.ts';
import { registry } from './registry.ts';

export interface MigrationSession {
  readonly client: pg.Client;
  readonly db: Kysely<unknown>;
  readonly migrator: StructdbMigrator;
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
): Promise<T> {
  return withClient(connection, profiles.migrate, context, async (client) => {
    await requireSupportedServer(client);
    reportNotices(client, context);
    const { clock, signal } = context;
    const onWait = (holder: string) =>
      context.report({ kind: 'notice', message: `Waiting for another migration run: ${holder}` });
    const db = kyselyOver(client, new MigrationAdapter({ waitMs: lockWaitMs, clock, signal, onWait }));
    return work({ client, db, migrator: new StructdbMigrator({ db, registry, context }) });
  });
}

/** RAISE has SQLSTATE 00000; "already exists, skipping" and its like have their own and say nothing new. */
function reportNotices(client: pg.Client, context: RunContext): void {
  client.on('notice', ({ code, severity, message, hint }) => {
    if (code !== '00000' || message === undefined) return;
    const kind = severity === 'WARNING' ? 'warning' : 'notice';
    context.report({ kind, message, ...(hint ? { hint } : {}) });
  });
}
