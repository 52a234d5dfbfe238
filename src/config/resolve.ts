import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { StructdbError } from '../core/errors.ts';
import { rememberSecret } from '../core/redact.ts';
import type { ConnectionSettings, SslMode, TlsSettings } from './connection.ts';
import { type ConnInfo, parseConnInfo } from './conninfo.ts';
import type { Environment } from './environment.ts';
import { passwordFromFile } from './password-file.ts';
import { exists } from './project.ts';

export interface ConnectionRequest {
  /** `--url` */
  readonly url?: string | undefined;
  readonly environment: Environment;
  /** `database.url` of the configuration. */
  readonly configuredUrl?: string | undefined;
  /** Finds the private cluster; asked only when nothing else names a server. */
  readonly privateServer?: () => Promise<ConnectionSettings | undefined>;
}

/** Variables that choose a server. PGUSER or PGPASSWORD alone do not: they complete what another source names. */
const CHOOSING = ['PGHOST', 'PGHOSTADDR', 'PGPORT', 'PGDATABASE', 'PGSERVICE'];

/** libpq's variables by parameter. */
const VARIABLE: Readonly<Record<string, string>> = {
  host: 'PGHOST',
  hostaddr: 'PGHOSTADDR',
  port: 'PGPORT',
  dbname: 'PGDATABASE',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  passfile: 'PGPASSFILE',
  service: 'PGSERVICE',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  options: 'PGOPTIONS',
};

const SSL_MODES: readonly SslMode[] = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

/**
 * The connection by precedence: --url, STRUCTDB_DATABASE_URL, DATABASE_URL, PG* variables, configuration, private server.
 * What the chosen source leaves open is filled as libpq does: service file, PG* variables, defaults, password file.
 * @throws USAGE for a string that cannot be understood, NO_CONNECTION when nothing names a server.
 */
export async function resolveConnection(request: ConnectionRequest): Promise<ConnectionSettings> {
  const { variables } = request.environment;
  const strings: readonly [string, string | undefined][] = [
    ['--url', request.url],
    ['STRUCTDB_DATABASE_URL', variables.STRUCTDB_DATABASE_URL],
    ['DATABASE_URL', variables.DATABASE_URL],
  ];
  if (request.url === '')
    throw new StructdbError('USAGE', '--url is empty.', {
      hint: 'Write it as postgres://user@host:5432/database.',
    });
  for (const [source, text] of strings) {
    if (text) return resolveConnectionString(text, source, request.environment);
  }
  const chosen = CHOOSING.find((name) => variables[name]);
  if (chosen) return complete({}, chosen, request.environment);
  if (request.configuredUrl) {
    return complete(parseConnInfo(request.configuredUrl, 'database.url'), 'the configuration', request.environment);
  }
  const privateServer = await request.privateServer?.();
  if (privateServer) return privateServer;
  throw new StructdbError('NO_CONNECTION', 'No database was named, and no private server runs here.', {
    hint: 'Run: structdb dev start   (or name one: --url postgres://user@host:5432/database, or DATABASE_URL)',
  });
}

/** The connection of one string alone; what it leaves open is filled as libpq does. `source` is what messages call it. @throws USAGE */
export function resolveConnectionString(
  text: string,
  source: string,
  environment: Environment,
): Promise<ConnectionSettings> {
  return complete(parseConnInfo(text, source), source, environment);
}

async function complete(given: ConnInfo, source: string, environment: Environment): Promise<ConnectionSettings> {
  const { variables, home } = environment;
  const service = await serviceParameters(given.service ?? variables.PGSERVICE, environment, source);
  const value = (key: string): string | undefined =>
    given[key] ?? service[key] ?? (variables[VARIABLE[key]!] || undefined);
  const address = value('hostaddr');
  const name = value('host');
  const host = address ?? name ?? (await defaultHost(environment));
  const port = number(value('port') ?? '5432', 'port', source, 65_535);
  const user = value('user') ?? environment.userName;
  const database = value('dbname') ?? user;
  const passfile = value('passfile') ?? path.join(home, '.pgpass');
  const password =
    value('password') ??
    // As libpq does: hostaddr only saves looking the name up.
    (await passwordFromFile(passfile, { host: name ?? host, port, database, user }, environment.platform));
  rememberSecret(password);
  const options = value('options');
  return Object.freeze({
    host,
    port,
    database,
    user,
    tls: Object.freeze({
      ...(await tlsSettings(value, environment, source)),
      ...(address !== undefined && name !== undefined ? { serverName: name } : {}),
    }),
    // libpq: 0 or absent waits without end; a tool that runs unattended should not
    connectTimeoutMs: (number(value('connect_timeout') ?? '0', 'connect_timeout', source, 3600) || 10) * 1000,
    source,
    ...(password === undefined ? {} : { password }),
    ...(options === undefined ? {} : { options }),
  });
}

function number(text: string, name: string, source: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new StructdbError('USAGE', `The ${name} "${text}" of ${source} is not a number from 0 to ${most}.`, {
    hint: `Correct it in ${source}.`,
  });
}

async function defaultHost(environment: Environment): Promise<string> {
  if (environment.platform === 'win32') return 'localhost';
  for (const directory of ['/var/run/postgresql', '/tmp']) {
    if (await exists(path.join(directory, '.s.PGSQL.5432'))) return directory;
  }
  return 'localhost';
}

async function tlsSettings(
  value: (key: string) => string | undefined,
  { home, workingDirectory }: Environment,
  source: string,
): Promise<TlsSettings> {
  const own = async (key: string, name: string) => {
    const given = value(key);
    if (given === 'system' && key === 'sslrootcert') return given;
    // The programs of PostgreSQL run in another folder.
    if (given !== undefined) return path.resolve(workingDirectory, given);
    const standard = path.join(home, '.postgresql', name);
    return (await exists(standard)) ? standard : undefined;
  };
  const rootCertificate = await own('sslrootcert', 'root.crt');
  const mode = (value('sslmode') ?? (rootCertificate === 'system' ? 'verify-full' : 'prefer')) as SslMode;
  if (!SSL_MODES.includes(mode)) {
    throw new StructdbError('USAGE', `The sslmode "${mode}" of ${source} is unknown.`, {
      hint: `Use one of: ${SSL_MODES.join(', ')}.`,
    });
  }
  if ((mode === 'verify-ca' || mode === 'verify-full') && rootCertificate === undefined) {
    throw new StructdbError('USAGE', `sslmode ${mode} needs a root certificate, and there is none.`, {
      hint: 'Name it with sslrootcert=<file> (or sslrootcert=system), or put it into ~/.postgresql/root.crt.',
    });
  }
  const certificate = await own('sslcert', 'postgresql.crt');
  const key = await own('sslkey', 'postgresql.key');
  return Object.freeze({
    mode,
    ...(rootCertificate ? { rootCertificate } : {}),
    ...(certificate ? { certificate } : {}),
    ...(key ? { key } : {}),
  });
}

async function serviceParameters(
  name: string | undefined,
  environment: Environment,
  source: string,
): Promise<ConnInfo> {
  if (!name) return {};
  const { variables, home } = environment;
  const files = [
    variables.PGSERVICEFILE || path.join(home, '.pg_service.conf'),
    path.join(variables.PGSYSCONFDIR || '/etc/postgresql-common', 'pg_service.conf'),
  ];
  for (const file of files) {
    const section = serviceSection(await readFile(file, 'utf8').catch(() => ''), name);
    if (section) return parseConnInfo(section.join(' '), `service "${name}"`);
  }
  throw new StructdbError('USAGE', `The service "${name}" (from ${source}) is in none of: ${files.join(', ')}.`, {
    hint: 'Add it there as [name] followed by host=…, port=…, dbname=…, user=….',
  });
}

function serviceSection(text: string, name: string): string[] | undefined {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const start = lines.indexOf(`[${name}]`);
  if (start < 0) return undefined;
  const section: string[] = [];
  for (const line of lines.slice(start + 1)) {
    if (line.startsWith('[')) break;
    const equals = line.indexOf('=');
    if (line.startsWith('#') || equals < 0) continue;
    section.push(
      `${line.slice(0, equals).trim()}='${line
        .slice(equals + 1)
        .trim()
        .replace(/[\\']/g, '\\$&')}'`,
    );
  }
  return section;
}
