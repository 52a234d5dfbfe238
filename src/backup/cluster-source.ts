import type pg from 'pg';
import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { readExtensions } from '../database/inventory.ts';
import { lacksReplication } from '../postgres/base-backup.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import type { ClusterManifest } from '../repository/manifest.ts';

/** What a manifest says of the cluster beside the copy itself. */
export type ClusterFacts = Pick<
  ClusterManifest,
  'databases' | 'requiredSettings' | 'preloadLibraries' | 'fromStandby' | 'superuser'
>;

/**
 * Whether a base backup can be taken at all; asked before anything is written.
 * @throws PERMISSION_DENIED, SERVER_UNSUITABLE, each with the statement that helps
 */
export async function requireBaseBackups(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ role: string; may: boolean; senders: number; level: string }>(
    `select current_user as role, r.rolreplication or r.rolsuper as may,
            current_setting('max_wal_senders')::int as senders, current_setting('wal_level') as level
       from pg_catalog.pg_roles r where r.rolname = current_user`,
  );
  const { role, may, senders, level } = rows[0]!;
  if (!may) throw lacksReplication(role);
  if (level === 'minimal') {
    throw unsuitable(
      'its wal_level is minimal, so its WAL cannot repair a copy',
      "ALTER SYSTEM SET wal_level = 'replica'",
    );
  }
  if (senders === 0) throw unsuitable('its max_wal_senders is 0', 'ALTER SYSTEM SET max_wal_senders = 10');
}

function unsuitable(why: string, statement: string): StructdbError {
  return new StructdbError('SERVER_UNSUITABLE', `The server cannot give a base backup: ${why}.`, {
    hint: `${statement}; then restart the server.`,
  });
}

/** Settings that a server in recovery needs at least as high as its source (PostgreSQL manual, "Hot Standby"). */
const REQUIRED_SETTINGS = [
  'max_connections',
  'max_worker_processes',
  'max_wal_senders',
  'max_prepared_transactions',
  'max_locks_per_transaction',
];

/** Databases with their extensions, settings that a restore needs. `warn` is told of what the role may not see. */
export async function readCluster(
  client: pg.ClientBase,
  connection: ConnectionSettings,
  warn: (message: string) => void,
  context: RunContext,
): Promise<ClusterFacts> {
  const settings = await readSettings(client, [...REQUIRED_SETTINGS, 'shared_preload_libraries']);
  const libraries = settings.get('shared_preload_libraries');
  if (libraries === undefined) {
    warn(`shared_preload_libraries is not recorded: "${connection.user}" may not see it (GRANT pg_read_all_settings)`);
  }
  const { rows } = await client.query<{ standby: boolean; superuser: string | null }>(
    `select pg_is_in_recovery() as standby,
            (select rolname from pg_catalog.pg_roles where rolsuper and rolcanlogin order by oid limit 1) as superuser`,
  );
  return {
    fromStandby: rows[0]!.standby,
    superuser: rows[0]!.superuser,
    requiredSettings: Object.fromEntries(REQUIRED_SETTINGS.map((name) => [name, settings.get(name)!])),
    preloadLibraries: (libraries ?? '').split(',').map(unquoted).filter(Boolean),
    databases: await readDatabases(client, connection, warn, context),
  };
}

/** Those that the role may see: of the rest the view shows no row. */
export async function readSettings(
  client: pg.ClientBase,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ name: string; setting: string | null }>(
    'select name, setting from pg_catalog.pg_settings where name = any($1)',
    [names],
  );
  return new Map(rows.map(({ name, setting }) => [name, setting ?? '']));
}

/** Names of the tablespaces by oid. */
export async function readTablespaceNames(client: pg.ClientBase): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ oid: string; name: string }>(
    'select oid::text as oid, spcname as name from pg_catalog.pg_tablespace',
  );
  return new Map(rows.map(({ oid, name }) => [oid, name]));
}

async function readDatabases(
  client: pg.ClientBase,
  connection: ConnectionSettings,
  warn: (message: string) => void,
  context: RunContext,
): Promise<ClusterFacts['databases']> {
  const { rows } = await client.query<{
    name: string;
    oid: string;
    size: string | null;
    collation: string | null;
    actual: string | null;
    open: boolean;
  }>(
    `select datname as name, oid::bigint::text as oid, datcollversion as collation, pg_database_collation_actual_version(oid) as actual,
            datallowconn and datconnlimit <> -2 and has_database_privilege(oid, 'connect') as open,
            case when has_database_privilege(oid, 'connect') or pg_has_role('pg_read_all_stats', 'usage')
                 then pg_database_size(oid)::text end as size
       from pg_catalog.pg_database order by datname collate "C"`,
  );
  const databases: ClusterFacts['databases'][number][] = [];
  for (const { name, oid, size, collation, actual, open } of rows) {
    if (collation !== null && actual !== null && collation !== actual) {
      warn(
        `database "${name}" was made with collation version ${collation}, the server's libraries have ${actual}: its indexes may be out of order (REINDEX, then ALTER DATABASE … REFRESH COLLATION VERSION)`,
      );
    }
    const extensions = open ? await extensionsOf({ ...connection, database: name }, context) : undefined;
    // Nobody works in a database without connections: template0, or what an interrupted DROP DATABASE left (-2).
    if (open && !extensions)
      warn(`the extensions of database "${name}" are not recorded: it lets "${connection.user}" not in`);
    databases.push({
      name,
      oid: Number(oid),
      sizeBytes: Number(size ?? 0),
      collationVersion: collation,
      extensions: extensions ?? null,
    });
  }
  return databases;
}

/** undefined where the server does not let the role in (pg_hba.conf, a connection limit). */
async function extensionsOf(connection: ConnectionSettings, context: RunContext) {
  try {
    return await withClient(connection, profiles.probe, context, readExtensions);
  } catch (error) {
    if (error instanceof StructdbError && error.code === 'INTERRUPTED') throw error;
    return undefined;
  }
}

function unquoted(name: string): string {
  return name.trim().replace(/^"(.*)"$/, '$1');
}
