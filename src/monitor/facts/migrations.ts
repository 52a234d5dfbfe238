import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { type Registry, type StatusResult, status } from '../../migrate/index.ts';
import { quoteIdentifier } from '../../postgres/connect.ts';

/** Every migration with its state. A role that only watches lacks a grant, and needs no more than that. */
export async function readMigrations(
  connection: ConnectionSettings,
  migrations: () => Promise<Registry>,
  context: RunContext,
): Promise<StatusResult> {
  try {
    return await status({ connection, registry: await migrations() }, context);
  } catch (error) {
    if (!(error instanceof StructdbError) || error.code !== 'PERMISSION_DENIED') throw error;
    const role = quoteIdentifier(connection.user);
    throw new StructdbError('PERMISSION_DENIED', error.message, {
      cause: error,
      hint: `As the owner: GRANT USAGE ON SCHEMA structdb TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA structdb TO ${role};`,
    });
  }
}
