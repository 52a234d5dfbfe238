import type pg from 'pg';
import { codeOf, StructdbError } from '../core/errors.ts';
import { quoteIdentifier } from '../postgres/connect.ts';
import { requireSupportedServer } from '../postgres/server-version.ts';
import type { RepositoryIdentity } from '../repository/repository.ts';

/** The server and database that a backup is taken from. */
export interface Source {
  readonly identity: RepositoryIdentity;
  readonly version: string;
  readonly major: number;
  readonly timeline: number;
  readonly dataChecksums: boolean;
  readonly tablespaces: readonly string[];
  /** Whether the role may read pg_authid, where passwords are. */
  readonly readsPasswords: boolean;
  /** The server's clock minus `now`, as far as one question can tell. */
  readonly skewMs: number;
}

/**
 * Who the server is. pg_control_system() and pg_control_checkpoint() may be executed by every role on 15 to 18; where
 * a provider took that away, the hint names the grant: without the identifier nothing can tell two clusters apart.
 * @throws SERVER_TOO_OLD, PERMISSION_DENIED
 */
export async function readSource(client: pg.ClientBase, now: Date): Promise<Source> {
  const { major, version } = await requireSupportedServer(client);
  const { rows } = await client
    .query<{ id: string; timeline: number; segment: string; checksums: boolean; passwords: boolean; at: Date }>(
      `select s.system_identifier::text as id, c.timeline_id as timeline,
              pg_size_bytes(current_setting('wal_segment_size'))::text as segment,
              current_setting('data_checksums')::boolean as checksums,
              has_table_privilege('pg_catalog.pg_authid', 'select') as passwords, clock_timestamp() as at
         from pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() c`,
    )
    .catch(async (error) => {
      throw codeOf(error) === '42501' ? await missingGrant(client, error) : error;
    });
  const row = rows[0]!;
  const spaces = await client.query<{ name: string }>(
    `select spcname as name from pg_catalog.pg_tablespace where spcname not in ('pg_default', 'pg_global') order by 1`,
  );
  return {
    identity: { systemIdentifier: row.id, postgresMajor: major, walSegmentBytes: Number(row.segment) },
    version,
    major,
    timeline: row.timeline,
    dataChecksums: row.checksums,
    tablespaces: spaces.rows.map(({ name }) => name),
    readsPasswords: row.passwords,
    skewMs: row.at.getTime() - now.getTime(),
  };
}

async function missingGrant(client: pg.ClientBase, cause: unknown): Promise<StructdbError> {
  const { rows } = await client.query<{ role: string }>('select current_user as role');
  const role = quoteIdentifier(rows[0]!.role);
  return new StructdbError('PERMISSION_DENIED', `${role} may not ask the server for its system identifier.`, {
    cause,
    hint: `As a superuser: GRANT EXECUTE ON FUNCTION pg_control_system(), pg_control_checkpoint() TO ${role}`,
  });
}

/** Where the WAL is now: on a standby, where replay is. */
export async function readPosition(client: pg.ClientBase): Promise<{ readonly lsn: string; readonly at: string }> {
  const { rows } = await client.query<{ lsn: string; at: Date }>(
    `select (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end)::text as lsn,
            clock_timestamp() as at`,
  );
  return { lsn: rows[0]!.lsn, at: rows[0]!.at.toISOString() };
}
