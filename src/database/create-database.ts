import type { Kysely } from 'kysely';
import type { ConnectionSettings } from '../config/connection.ts';
import { resolveConnection } from '../config/resolve.ts';
import { createKysely } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import type { Database } from './types.ts';

export type CreateDatabaseOptions = {
  /** Most connections that the pool opens; 10 by default. */
  readonly maxConnections?: number;
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
  return createKysely<Database>(connection, profiles.application, { max: options.maxConnections ?? 10 });
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
