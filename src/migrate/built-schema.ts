import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { codeOf, StructdbError } from '../core/errors.ts';
import { quoteIdentifier, withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { kyselyOver } from './dialect.ts';
import { MigrationAdapter } from './lock.ts';
import { StructdbMigrator } from './migrator.ts';
import type { Registry } from './registry.ts';

/**
 * Runs `work` in a new database of the same server to which the migrations up to and with `name` were applied. It is
 * dropped afterwards, also on error; what a killed run leaves is called `structdb_scratch_…`.
 * @throws PERMISSION_DENIED when the role may not create databases; what a migration fails with
 */
export async function withBuiltSchema<T>(
  connection: ConnectionSettings,
  registry: Registry,
  name: string,
  context: RunContext,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const database = `structdb_scratch_${randomBytes(6).toString('hex')}`;
  return withClient(connection, profiles.migrate, context, async (client) => {
    // template0: nothing that an administrator has put into template1 is taken for the migrations' work.
    await client.query(`create database ${quoteIdentifier(database)} template template0`).catch((error: unknown) => {
      throw mayNotCreate(error, connection.user);
    });
    try {
      const scratch = { ...connection, database };
      return await withClient(scratch, profiles.migrate, context, async (session) => {
        await apply(session, registry, name, context);
        return work(session);
      });
    } finally {
      await client.query(`drop database if exists ${quoteIdentifier(database)} with (force)`).catch(() => {});
    }
  });
}

async function apply(client: pg.Client, registry: Registry, name: string, { clock, signal }: RunContext) {
  const db = kyselyOver(client, new MigrationAdapter({ waitMs: 0, clock, signal, onWait: () => {} }));
  // What the migrations tell is about the scratch database: nobody's affair.
  const quiet: RunContext = { clock, signal, report: () => {} };
  const { error } = await new StructdbMigrator({ db, registry, context: quiet }).migrateTo(name);
  if (error !== undefined) throw error;
}

function mayNotCreate(error: unknown, user: string): unknown {
  if (codeOf(error) !== '42501') return error;
  return new StructdbError(
    'PERMISSION_DENIED',
    `Role "${user}" may not create the scratch database in which the migrations are tried.`,
    { cause: error, hint: `As a superuser: ALTER ROLE ${quoteIdentifier(user)} CREATEDB` },
  );
}
