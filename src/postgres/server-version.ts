import type pg from 'pg';
import { StructdbError } from '../core/errors.ts';

/** The oldest major that structdb supports: 15 brought pg_stat_force_next_flush, MERGE and public schema ownership. */
export const OLDEST_MAJOR = 15;

export interface ServerVersion {
  readonly major: number;
  /** `15.18` */
  readonly version: string;
}

/** What a server says of its version, in the words of VERSION_COLUMNS. */
export interface ToldVersion {
  readonly version_num: string;
  readonly version: string;
}

/** For the list of a SELECT that has something else to ask as well. */
export const VERSION_COLUMNS = `current_setting('server_version_num') as version_num, current_setting('server_version') as version`;

/** The version of the connected server. @throws SERVER_TOO_OLD below 15. */
export async function requireSupportedServer(client: pg.ClientBase): Promise<ServerVersion> {
  const { rows } = await client.query<ToldVersion>(`select ${VERSION_COLUMNS}`);
  return requireSupported(rows[0]!);
}

/** The same where the server was asked already. @throws SERVER_TOO_OLD below 15. */
export function requireSupported(told: ToldVersion): ServerVersion {
  const major = Math.floor(Number(told.version_num) / 10_000);
  const version = told.version.split(' ')[0]!;
  if (major < OLDEST_MAJOR) {
    throw new StructdbError(
      'SERVER_TOO_OLD',
      `The server is PostgreSQL ${version}; structdb needs ${OLDEST_MAJOR} or newer.`,
      {
        hint: `Upgrade the server, or name another one with --url.`,
      },
    );
  }
  return { major, version };
}
