import type pg from 'pg';
import { type ConnectionSettings, withDatabase } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { codeOf, StructdbError } from '../core/errors.ts';
import { connect, quoteIdentifier, withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { refuseReadOnly } from '../postgres/read-only.ts';
import { requireSupportedServer, type ServerVersion } from '../postgres/server-version.ts';
import { findUserObjects, type UserObject } from './contents.ts';

/** What the database to restore into is now. */
export type TargetState =
  /** Does not exist and the role may create it. */
  | { readonly kind: 'create' }
  /** Exists, is empty, and belongs to the role. */
  | { readonly kind: 'empty' }
  /** A restore of this very backup into it was killed after its rows were in: it can be finished. */
  | { readonly kind: 'unfinished' };

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
 * @throws TARGET_NOT_EMPTY, TARGET_UNSUITABLE, SERVER_READ_ONLY, PERMISSION_DENIED (naming the grant)
 */
export async function inspectTarget(
  connection: ConnectionSettings,
  database: string,
  backup: { readonly label: string; readonly encoding: string },
  context: RunContext,
): Promise<Target> {
  const { label, encoding } = backup;
  requireDatabaseName(database);
  const maintenance = await reachableDatabase(connection, database);
  const found = await withClient(maintenance, profiles.probe, context, async (client) => {
    const asked = { server: await requireSupportedServer(client), ...(await askAboutTarget(client, database)) };
    if (!asked.exists) await refuseReadOnly(client, maintenance);
    return asked;
  });
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
  if (found.template) {
    throw new StructdbError(
      'TARGET_UNSUITABLE',
      `"${database}" is a template: every new database would be a copy of the backup.`,
      { hint: 'Name another database.' },
    );
  }
  if (found.encoding !== encoding) {
    throw new StructdbError(
      'TARGET_UNSUITABLE',
      `Database "${database}" has encoding ${found.encoding}; the dump was made from ${encoding}.`,
      { hint: `Create it with: createdb --encoding=${encoding} --template=template0 ${database}` },
    );
  }
  const unfinished = found.comment === UNFINISHED + label;
  const objects = await withClient(target.connection, profiles.probe, context, async (client) => {
    const there = await findUserObjects(client);
    if (there.length > 0 && !unfinished) throw notEmpty(database, there, found.comment);
    // Asked where it is written: the setting may be that of one database. Of one that is not taken anyway it is no concern.
    await refuseReadOnly(client, target.connection);
    return there;
  });
  return { ...target, state: { kind: objects.length === 0 ? 'empty' : 'unfinished' } };
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
      // Another database of the same server helps when this one is gone or closed to the role, not when the server is away.
      if (!ONE_DATABASE_ONLY.has(codeOf((error as StructdbError).cause) ?? '')) throw error;
    }
  }
  throw first;
}

/** No such database, no CONNECT privilege, refused by pg_hba.conf, closed to connections. */
const ONE_DATABASE_ONLY: ReadonlySet<string> = new Set(['3D000', '42501', '28000', '55000']);

async function askAboutTarget(client: pg.Client, database: string) {
  const { rows } = await client.query<{
    role: string;
    superuser: boolean;
    mayCreate: boolean;
    exists: boolean;
    owns: boolean;
    encoding: string | null;
    template: boolean | null;
    comment: string | null;
  }>(
    `select current_user as role, r.rolsuper as superuser, r.rolcreatedb as "mayCreate", d.oid is not null as exists,
            coalesce(r.rolsuper or pg_has_role(d.datdba, 'USAGE'), false) as owns,
            pg_encoding_to_char(d.encoding)::text as encoding, d.datistemplate as template,
            shobj_description(d.oid, 'pg_database') as comment
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

/** Beginning of the comment of a database that is being filled. */
export const UNFINISHED = 'structdb: unfinished restore of ';

/** Also thrown when somebody fills the target in the meantime. */
export function notEmpty(database: string, objects: readonly UserObject[], comment: string | null): StructdbError {
  const tables = objects.filter(({ type }) => type === 'table');
  const ordered = [...tables, ...objects.filter((object) => !tables.includes(object))];
  const shown = ordered.slice(0, 5).map(({ type, identity }) => `${type} ${identity}`);
  const more = objects.length > 5 ? ` and ${objects.length - 5} more` : '';
  const killed = comment?.startsWith(UNFINISHED)
    ? ` A restore of ${comment.slice(UNFINISHED.length)} into it was killed; drop and make it anew, or`
    : '';
  return new StructdbError('TARGET_NOT_EMPTY', `Database "${database}" is not empty: ${shown.join(', ')}${more}.`, {
    hint: `Nothing was touched.${killed} ${killed ? 'n' : 'N'}ame a database that does not exist yet, or an empty one.`,
  });
}
