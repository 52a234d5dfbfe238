import type { Kysely } from 'kysely';
import type { Migrator } from 'kysely/migration';
import type { ConnectionSettings } from '../config/connection.ts';
import { systemClock } from '../core/clock.ts';
import { type RunContext, unstoppable } from '../core/context.ts';
import { connect } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { kyselyOver } from './dialect.ts';
import { MigrationAdapter } from './lock.ts';
import { registry } from './registry.ts';
import { StructdbMigrator } from './run/migrator.ts';
import { DEFAULT_LOCK_WAIT_MS } from './run/run.ts';
import { leaveBooksOut } from './search-path.ts';

/** kysely-ctl shows its own progress and stops the process itself. */
const context: RunContext = Object.freeze({
  clock: systemClock,
  report: () => {},
  signal: unstoppable.signal,
});

/** The database as kysely-ctl gets it: the limits of a structdb connection, the polling lock. */
export async function createKyselyForCtl(connection: ConnectionSettings): Promise<Kysely<unknown>> {
  const client = await connect(connection, profiles.migrate);
  await leaveBooksOut(client, connection.user);
  const { clock, signal } = context;
  return kyselyOver(client, new MigrationAdapter({ waitMs: DEFAULT_LOCK_WAIT_MS, clock, signal, onWait: () => {} }));
}

/** structdb's Migrator for kysely-ctl's `migrations.migrator`. */
export function createMigratorForCtl(db: Kysely<unknown>): Migrator {
  return new StructdbMigrator({ db, registry, context });
}
