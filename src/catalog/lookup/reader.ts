import { CompiledQuery, type Kysely } from 'kysely';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { checkPreconditions } from '../load/preconditions.ts';

/** What pg's Client, Pool and PoolClient can. */
export interface Queryable {
  // biome-ignore lint/suspicious/noExplicitAny: the rows are what the statement selects
  query(text: string, values?: any[]): Promise<{ rows: any[] }>;
}

/** Where to look: through a connection of its own, or through one, a pool or a Kysely that is open already and stays so. */
export type Source =
  | { readonly connection: ConnectionSettings; readonly client?: undefined }
  // biome-ignore lint/suspicious/noExplicitAny: of whatever tables
  | { readonly client: Queryable | Kysely<any>; readonly connection?: undefined };

/**
 * Runs questions. Whoever brings an open client is not asked about versions and privileges again: that would cost more than
 * the search; errors then come as PostgreSQL gives them.
 * @throws SCHEMA_MISSING, PERMISSION_DENIED and what connecting throws, when it opens the connection itself
 */
export async function withReader<T>(
  source: Source,
  context: Pick<RunContext, 'signal'>,
  work: (reader: Queryable) => Promise<T>,
): Promise<T> {
  const { client } = source;
  if (client) return work('executeQuery' in client ? throughKysely(client) : client);
  return withClient(source.connection, profiles.probe, context, async (own) => {
    await checkPreconditions(own, { dryRun: true });
    return work(own);
  });
}

// biome-ignore lint/suspicious/noExplicitAny: of whatever tables
function throughKysely(db: Kysely<any>): Queryable {
  return {
    query: async (text, values = []) => ({ rows: (await db.executeQuery(CompiledQuery.raw(text, values))).rows }),
  };
}
