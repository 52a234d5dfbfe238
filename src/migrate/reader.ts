import { Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { requireSupportedServer } from '../postgres/server-version.ts';
import { leaveBooksOut } from './search-path.ts';

/**
 * One connection that the server itself keeps from writing (default_transaction_read_only), closed afterwards. It asks
 * short questions only.
 */
export function withReader<T>(
  connection: ConnectionSettings,
  context: Pick<RunContext, 'signal'>,
  work: (session: { readonly client: pg.Client; readonly db: Kysely<unknown> }) => Promise<T>,
): Promise<T> {
  const options = [connection.options, '-c default_transaction_read_only=on'].filter(Boolean).join(' ');
  return withClient(Object.freeze({ ...connection, options }), profiles.probe, context, async (client) => {
    await requireSupportedServer(client);
    await leaveBooksOut(client, connection.user);
    const session = Object.assign(client, { release: () => {} });
    const pool = { connect: async () => session, end: async () => {}, options: {} };
    return work({ client, db: new Kysely<unknown>({ dialect: new PostgresDialect({ pool: pool as never }) }) });
  });
}
