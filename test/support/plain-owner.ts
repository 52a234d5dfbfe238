import { type ConnectionSettings, withDatabase } from '../../src/config/connection.ts';
import type { RunContext } from '../../src/core/context.ts';
import { type ServerPrograms, withScratchCluster } from '../../src/postgres/cluster.ts';
import { testEnvironment } from './environment.ts';
import { sql } from './postgres.ts';

/** Runs `work` on a server of its own of these programs, as a role that owns an empty database and is nothing more. */
export async function asPlainOwner(
  programs: ServerPrograms,
  context: RunContext,
  work: (connection: ConnectionSettings) => Promise<void>,
): Promise<void> {
  await withScratchCluster({ programs, environment: testEnvironment() }, context, async ({ connection }) => {
    await sql(connection, async (client) => {
      await client.query('create role plain login');
      await client.query('create database platform owner plain');
    });
    await work({ ...withDatabase(connection, 'platform'), user: 'plain' });
  });
}
