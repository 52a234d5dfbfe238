import type { Kysely } from 'kysely';
import type { ConnectionSettings } from '../config/connection.ts';
import { createKysely } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import type { Database } from './types.ts';

export interface CreateDatabaseOptions {
  readonly connection: ConnectionSettings;
  /** Most connections that the pool opens; 10 by default. */
  readonly maxConnections?: number;
}

/**
 * The database for applications: Kysely with the types of the schema over a bounded pool. Close it with `destroy()`.
 * @throws CONNECTION_FAILED and its kin when the server cannot be reached.
 */
export async function createDatabase(options: CreateDatabaseOptions): Promise<Kysely<Database>> {
  return createKysely<Database>(options.connection, profiles.application, { max: options.maxConnections ?? 10 });
}
