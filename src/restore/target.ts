import type pg from 'pg';
import { type ConnectionSettings, withDatabase } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { connect, quoteIdentifier, withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { requireSupportedServer, type ServerVersion } from '../postgres/server-version.ts';
import { findUserObjects } from './contents.ts';

/** What the database to restore into is now. */
export type TargetState =
  /** Does not exist and the role may create it. */
  | { readonly kind: 'create' }
  /** Exists, is empty, and belongs to the role. */
  | { readonly kind: 'empty' };

export interface Target {
  readonly state: TargetState;
  readonly server: ServerVersion;
  readonly role: string;
  readonly superuser: boolean;
  /** The way to a database that exists: where CREATE DATABASE is sent from. */
  readonly maintenance: ConnectionSettings;
  /** The way to the database to restore into. */
  readonly connection: ConnectionSettings;
}

/**
 * Looks at the target and refuses what cannot be restored into, before anything is touched.
 * @throws TARGET_NOT_EMPTY, TARGET_UNSUITABLE, PERMISSION_DENIED (naming the grant)
 */
export async function inspectTarget(
  connection: ConnectionSettings,
  database: string,
  encoding: string,
  context: RunContext,
): Promise<Target> {
  requireDatabaseName(database);
  const maintenance = await reachableDatabase(connection, database);
  const found = await withClient(maintenance, profiles.probe, context, async (client) => ({
    server: await requireSupportedServer(client),
    ...(await askAboutTarget(client, database)),
  }));
  const { server, role, superuser } = found;
  const target = { server, role, superuser, maintenance, connection: withDatabase(connection, database) };
  if (!found.exists) {
    if (!superuser && !found.mayCreate) throw mayNotCreate(database, role);
    return { ...target, state: { kind: 'create' } };
  }
  if (!found.owns) {
    throw new StructdbError('PERMISSION_DENIED', `Database "${database}" does not belong to "${role}".`, {
      hint: `As a superuser: ALTER DATABASE ${quoteIdentifier(database)} OWNER TO ${quoteIdentifier(role)}  (or name a new database)`,
    });
  }
  if (found.encoding !== encoding) {
    throw new StructdbError(
      'TARGET_UNSUITABLE',
      `Database "${database}" has encoding ${found.encoding}; the dump was made from ${encoding}.`,
      { hint: `Create it with: createdb --encoding=${encoding} --template=template0 ${database}` },
    );
  }
  const objects = await withClient(target.connection, profiles.probe, context, findUserObjects);
  if (objects.length > 0)
    throw notEmpty(
      database,
      objects.map((object) => `${object.type} ${object.identity}`),
    );
  return { ...target, state: { kind: 'empty' } };
}

/** Names that PostgreSQL would cut or refuse. */
function requireDatabaseName(database: string): void {
  if (database !== '' && Buffer.byteLength(database) <= 63 && !database.includes('\0')) return;
  throw new StructdbError('USAGE', `"${database}" is not a name for a database: 1 to 63 bytes are allowed.`);
}

/**
 * The database that the connection names may be the very one that was lost: then the server's own ones are tried.
 * @throws what the first attempt threw
 */
async function reachableDatabase(connection: ConnectionSettings, avoid: string): Promise<ConnectionSettings> {
  const names = [connection.database, 'postgres', 'template1'];
  // A session in the target would stand in the way of its own restore.
  const ordered = [...names.filter((name) => name !== avoid), ...names.filter((name) => name === avoid)];
  let first: unknown;
  for (const name of new Set(ordered)) {
    const candidate = withDatabase(connection, name);
    try {
      await (await connect(candidate, profiles.probe)).end();
      return candidate;
    } catch (error) {
      first ??= error;
      const code = error instanceof StructdbError ? error.code : undefined;
      // Another database of the same server helps when this one is gone or closed to the role, not when the server is away.
      if (code !== 'DATABASE_MISSING' && code !== 'PERMISSION_DENIED' && code !== 'AUTHENTICATION_FAILED') throw error;
    }
  }
  throw first;
}

async function askAboutTarget(client: pg.Client, database: string) {
  const { rows } = await client.query<{
    role: string;
    superuser: boolean;
    mayCreate: boolean;
    exists: boolean;
    owns: boolean;
    encoding: string | null;
  }>(
    `select current_user as role, r.rolsuper as superuser, r.rolcreatedb as "mayCreate", d.oid is not null as exists,
            coalesce(r.rolsuper or pg_has_role(d.datdba, 'USAGE'), false) as owns,
            pg_encoding_to_char(d.encoding)::text as encoding
       from pg_roles r left join pg_database d on d.datname = $1
      where r.rolname = current_user`,
    [database],
  );
  return rows[0]!;
}

function mayNotCreate(database: string, role: string): StructdbError {
  return new StructdbError(
    'PERMISSION_DENIED',
    `Database "${database}" does not exist and "${role}" may not create it.`,
    {
      hint:
        `As a superuser: ALTER ROLE ${quoteIdentifier(role)} CREATEDB; ` +
        `or make it empty: createdb --owner=${role} --template=template0 ${database}`,
    },
  );
}

/** Also thrown when somebody fills or creates the target in the meantime. */
export function notEmpty(database: string, objects: readonly string[]): StructdbError {
  const shown = objects.slice(0, 5).join(', ');
  const more = objects.length > 5 ? ` and ${objects.length - 5} more` : '';
  return new StructdbError('TARGET_NOT_EMPTY', `Database "${database}" is not empty: ${shown}${more}.`, {
    hint: 'Nothing was touched. Name a database that does not exist yet, or an empty one.',
  });
}
