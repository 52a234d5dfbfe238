import type { Kysely } from 'kysely';
import type { ConnectionSettings } from '../config/connection.ts';
import { resolveConnection } from '../config/resolve.ts';
import { createKysely } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import type { Database } from './types.ts';

export type CreateDatabaseOptions = {
  /** Most connections that the pool opens; 10 by default. */
  readonly maxConnections?: number;
  /**
   * Whether a statement that comes again is prepared, once for each connection, so that the server parses and plans it
   * once instead of at every call; true by default. Behind a pooler that changes the server's session between transactions
   * and does not know prepared statements (PgBouncer before 1.21), say false.
   */
  readonly prepare?: boolean;
} & (
  | { readonly connection: ConnectionSettings }
  /** `postgres://user:password@host:5432/database`: all that is needed is in it, nothing of the process's environment. */
  | { readonly url: string }
);

/**
 * The database for applications: Kysely with the types of the schema over a bounded pool. Close it with `destroy()`.
 * @throws CONNECTION_FAILED and its kin when the server cannot be reached; USAGE for a URL that cannot be understood.
 */
export async function createDatabase(options: CreateDatabaseOptions): Promise<Kysely<Database>> {
  const connection =
    'connection' in options
      ? options.connection
      : await resolveConnection({ url: options.url, environment: NOTHING_AROUND });
  const { maxConnections: max = 10, prepare = true } = options;
  return createKysely<Database>(connection, profiles.application, { max, prepare });
}

const NOTHING_AROUND = Object.freeze({
  variables: Object.freeze({}),
  home: '/nonexistent',
  workingDirectory: '/',
  uid: undefined,
  userName: 'postgres',
  hostName: 'localhost',
  platform: 'linux' as const,
});
