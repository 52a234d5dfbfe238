import type pg from 'pg';
import { type ConnectionSettings, withDatabase } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { removeAbandonedServers } from '../../postgres/abandoned-servers.ts';
import { findServerPrograms, type ServerPrograms, withScratchCluster } from '../../postgres/cluster.ts';
import { quoteIdentifier, withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { requireSupportedServer } from '../../postgres/server-version.ts';
import type { SearchPlaces } from '../../programs/find.ts';
import { withOwnDirectory } from '../../programs/own-directory.ts';

const KIND = 'verify';

/**
 * Gives `work` a new, empty database on a private server of the same major as the connected one, with the same database
 * name and roles of the same names (without login and rights), since migrations may grant to them. Server and files are
 * gone afterwards; what a killed run left is removed first.
 * @throws PERMISSION_DENIED when the programs of that major are not installed
 */
export async function withScratchServer<T>(
  live: pg.Client,
  connection: ConnectionSettings,
  places: SearchPlaces,
  context: RunContext,
  work: (scratch: ConnectionSettings) => Promise<T>,
): Promise<T> {
  const { major } = await requireSupportedServer(live);
  const programs = await programsOf(major, places, connection);
  const roles = await roleNames(live);
  for (const directory of await removeAbandonedServers(KIND)) {
    context.report({ kind: 'notice', message: `Removed the scratch server that a killed run left (${directory}).` });
  }
  // The server's user passes through the directory but cannot list it.
  return withOwnDirectory(KIND, 0o711, (parent) =>
    withScratchCluster({ programs, environment: places.environment, parent }, context, async (cluster) => {
      await withClient(cluster.connection, profiles.migrate, context, async (admin) => {
        const present = new Set(await roleNames(admin));
        for (const role of roles.filter((name) => !present.has(name))) {
          await admin.query(`create role ${quoteIdentifier(role)} nologin`);
        }
        if (connection.database !== cluster.connection.database) {
          await admin.query(`create database ${quoteIdentifier(connection.database)} template template0`);
        }
      });
      return work(withDatabase(cluster.connection, connection.database));
    }),
  );
}

async function roleNames(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select rolname::text as name from pg_catalog.pg_roles where rolname !~ '^pg_'`,
  );
  return rows.map(({ name }) => name);
}

async function programsOf(major: number, places: SearchPlaces, { user }: ConnectionSettings): Promise<ServerPrograms> {
  try {
    return await findServerPrograms(places, { major });
  } catch (cause) {
    if (!(cause instanceof StructdbError)) throw cause;
    throw new StructdbError(
      'PERMISSION_DENIED',
      `Role "${user}" may not create a scratch database, and the programs of PostgreSQL ${major} for a private server are not here.`,
      {
        cause,
        hint: `As a superuser: ALTER ROLE ${quoteIdentifier(user)} CREATEDB; or install PostgreSQL ${major} on this machine (Debian: postgresql-${major})`,
      },
    );
  }
}
