import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { kyselyOver } from '../dialect.ts';
import { MigrationAdapter } from '../lock.ts';
import type { Registry } from '../registry.ts';
import { StructdbMigrator } from '../run/migrator.ts';
import { leaveBooksOut } from '../search-path.ts';

/** Applies the migrations up to and with `name` to an empty database, and runs `work` in it. */
export async function withMigrated<T>(
  scratch: ConnectionSettings,
  registry: Registry,
  name: string,
  context: RunContext,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  return withClient(scratch, profiles.migrate, context, async (client) => {
    await leaveBooksOut(client, scratch.user);
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

/**
 * What a migration failed with in a scratch database: it has done nothing to the database that is compared. `which`
 * begins the sentence, `command` is to be run again.
 */
export function inScratchOnly(error: unknown, which: string, command: string): unknown {
  if (!(error instanceof StructdbError) || error.code !== 'MIGRATION_FAILED') return error;
  return new StructdbError('MIGRATION_FAILED', `${which} do not run on an empty database. ${error.message}`, {
    cause: error,
    details: error.details,
    hint: `This was the scratch database; nothing else was touched. Correct the migration, then run: ${command}`,
  });
}
