import type pg from 'pg';
import { StructdbError } from '../core/errors.ts';

/** The oldest major that structdb supports: 15 brought pg_stat_force_next_flush, MERGE and public schema ownership. */
export const OLDEST_MAJOR = 15;

export interface ServerVersion {
  readonly major: number;
  /** `15.18` */
  readonly version: string;
}

/** The version of the connected server. @throws SERVER_TOO_OLD below 15. */
export async function requireSupportedServer(client: pg.ClientBase): Promise<ServerVersion> {
  const { rows } = await client.query<{ num: string; version: string }>(
    `select current_setting('server_version_num') as num, current_setting('server_version') as version`,
  );
  const major = Math.floor(Number(rows[0]!.num) / 10_000);
  const version = rows[0]!.version.split(' ')[0]!;
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
