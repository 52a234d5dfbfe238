import type pg from 'pg';
import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { kyselyOver } from './dialect.ts';
import { MigrationAdapter } from './lock.ts';
import { StructdbMigrator } from './migrator.ts';
import type { Registry } from './registry.ts';
import { withScratchDatabase } from './scratch-database.ts';

/**
 * Runs `work` in a new database of the same server to which the migrations up to and with `name` were applied. It is
 * dropped afterwards.
 * @throws PERMISSION_DENIED when the role may not create databases; what a migration fails with
 */
export async function withBuiltSchema<T>(
  connection: ConnectionSettings,
  registry: Registry,
  name: string,
  context: RunContext,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  return withScratchDatabase(connection, context, (scratch) => withMigrated(scratch, registry, name, context, work));
}

/** Applies the migrations up to and with `name` to an empty database, and runs `work` in it. */
export async function withMigrated<T>(
  scratch: ConnectionSettings,
  registry: Registry,
  name: string,
  context: RunContext,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  return withClient(scratch, profiles.migrate, context, async (client) => {
    await apply(client, registry, name, context);
    return work(client);
  });
}

async function apply(client: pg.Client, registry: Registry, name: string, { clock, signal }: RunContext) {
  const db = kyselyOver(client, new MigrationAdapter({ waitMs: 0, clock, signal, onWait: () => {} }));
  // What the migrations tell is about the scratch database: nobody's affair.
  const quiet: RunContext = { clock, signal, report: () => {} };
  const { error } = await new StructdbMigrator({ db, registry, context: quiet }).migrateTo(name);
  if (error !== undefined) throw error;
}
