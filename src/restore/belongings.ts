import type pg from 'pg';
import { codeOf, messageOf } from '../core/errors.ts';
import { quoteIdentifier, quoteLiteral } from '../postgres/connect.ts';
import type { DatabaseBelongings } from '../repository/manifest.ts';

export interface BelongingsOptions {
  /** The database's name now. */
  readonly database: string;
  readonly belongings: DatabaseBelongings;
  /** The dump's own GRANT and REVOKE statements. */
  readonly privilegeScript: string | undefined;
  /** Set when everything went to this role: grants to and by the former owner are meant for it. */
  readonly newOwner: string | undefined;
}

/** query_canceled: somebody asked to stop; that is no reason to go on without the statement. */
const CANCELLED = '57014';

/**
 * Puts back what belongs to the database and is in no dump: privileges, settings (the 30 s statement_timeout among
 * them), comment, connection limit, and the owner where the role may. One transaction; what the role may not do, or
 * what names a role that is not there, is left out. Returns a line for each of those.
 */
export async function putBackBelongings(client: pg.Client, options: BelongingsOptions): Promise<string[]> {
  const leftOut: string[] = [];
  await client.query('begin');
  for (const statement of [...objectPrivileges(options), ...databaseStatements(options)]) {
    await client.query('savepoint one');
    try {
      await client.query(statement);
      await client.query('release savepoint one');
    } catch (error) {
      if (codeOf(error) === CANCELLED) throw error;
      await client.query('rollback to savepoint one');
      leftOut.push(`${statement} (${messageOf(error)})`);
    }
  }
  await client.query('commit');
  return leftOut;
}

function objectPrivileges({ privilegeScript, belongings, newOwner }: BelongingsOptions): string[] {
  const statements = (privilegeScript ?? '')
    .split('\n')
    .filter(
      (line) =>
        /^(GRANT|REVOKE|ALTER DEFAULT PRIVILEGES|(RE)?SET SESSION AUTHORIZATION) .*;$/.test(line) ||
        line === 'RESET SESSION AUTHORIZATION;',
    )
    .map((line) => line.slice(0, -1));
  return newOwner === undefined ? statements : statements.map((line) => renameRole(line, belongings.owner, newOwner));
}

/** `GRANT … TO old` → `GRANT … TO new`, at the places where a role stands in what pg_dump writes. */
function renameRole(statement: string, from: string, to: string): string {
  const names = [from, quoteIdentifier(from)];
  let result = statement;
  for (const place of [' TO ', ' FROM ', ' FOR ROLE ', 'SET SESSION AUTHORIZATION ']) {
    for (const name of names) {
      result = result.replace(
        new RegExp(`${place}${escapePattern(name)}(?=$| )`, 'g'),
        () => `${place}${quoteIdentifier(to)}`,
      );
    }
  }
  return result;
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function databaseStatements({ database, belongings, newOwner }: BelongingsOptions): string[] {
  const name = quoteIdentifier(database);
  const role = (grantee: string | null) =>
    grantee === null
      ? 'public'
      : quoteIdentifier(grantee === belongings.owner && newOwner !== undefined ? newOwner : grantee);
  const statements: string[] = [];
  if (newOwner === undefined) statements.push(`alter database ${name} owner to ${quoteIdentifier(belongings.owner)}`);
  if (belongings.privileges) {
    statements.push(`revoke all on database ${name} from public`);
    statements.push(`revoke all on database ${name} from ${role(belongings.owner)}`);
    for (const { grantee, privilege, grantable } of belongings.privileges) {
      statements.push(
        `grant ${privilege} on database ${name} to ${role(grantee)}${grantable ? ' with grant option' : ''}`,
      );
    }
  }
  for (const setting of belongings.settings) {
    const whose = setting.role === null ? '' : `alter role ${role(setting.role)} in database ${name}`;
    statements.push(
      `${whose || `alter database ${name}`} set ${quoteIdentifier(setting.name)} to ${settingValue(setting.name, setting.value)}`,
    );
  }
  if (belongings.comment !== null) {
    statements.push(`comment on database ${name} is ${quoteLiteral(belongings.comment)}`);
  }
  if (belongings.connectionLimit !== -1) {
    statements.push(`alter database ${name} connection limit ${belongings.connectionLimit}`);
  }
  return statements;
}

/** Settings that are lists of names (pg_dump's variable_is_guc_list_quote): one literal would be one name. */
const LIST_SETTINGS = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]);

function settingValue(name: string, value: string): string {
  if (!LIST_SETTINGS.has(name.toLowerCase()) || value === '') return quoteLiteral(value);
  return splitNames(value).map(quoteLiteral).join(', ');
}

/** The elements of a list of names, each quoted where it must be: `"$user", public`, or `""`. */
function splitNames(list: string): string[] {
  return [...list.matchAll(/"((?:[^"]|"")*)"|([^",\s]+)/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain!,
  );
}
