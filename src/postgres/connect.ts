import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { type ConnectionSettings, describeConnection } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { interrupted } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { rememberSecret } from '../core/redact.ts';
import { isUndecided, translateConnectionError, translateDatabaseError } from './errors.ts';
import { PreparingClient } from './preparing-client.ts';
import type { WorkProfile } from './profiles.ts';

/**
 * Runs `work` with one connection of the given profile and closes it, also on error. Ctrl-C cancels the running
 * statement on the server. Errors of the connection and of SQL come out as StructdbErrors.
 */
export async function withClient<T>(
  connection: ConnectionSettings,
  profile: WorkProfile,
  context: Pick<RunContext, 'signal'>,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  if (context.signal.aborted) throw interrupted();
  const client = await connect(connection, profile, { signal: context.signal });
  const onAbort = () => void cancelStatement(connection, client);
  context.signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await work(client);
  } catch (error) {
    // A statement cancelled by Ctrl-C fails with 57014: the interruption is the cause.
    if (context.signal.aborted && !(error instanceof StructdbError && error.code === 'INTERRUPTED'))
      throw interrupted();
    throw translateDatabaseError(error, connection);
  } finally {
    context.signal.removeEventListener('abort', onAbort);
    await client.end().catch(() => {});
  }
}

/**
 * Opens one connection; with `replication` to a WAL sender. An aborted `signal` ends an attempt that has no answer yet.
 * @throws CONNECTION_FAILED, AUTHENTICATION_FAILED, DATABASE_MISSING, … with the next step as hint; INTERRUPTED
 */
export async function connect(
  connection: ConnectionSettings,
  profile: WorkProfile,
  { replication = false, signal }: { readonly replication?: boolean; readonly signal?: AbortSignal } = {},
): Promise<pg.Client> {
  const attempts = connection.tls.mode === 'prefer' || connection.tls.mode === 'allow' ? 2 : 1;
  let lastError: unknown;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const config = await clientConfig(connection, profile, attempt);
    // A WAL sender that is let in as the database's connections are (replication=database; pg's types do not know it).
    const client = new pg.Client(replication ? ({ ...config, replication: 'database' } as pg.ClientConfig) : config);
    // Without a listener a server that goes away between two statements would end the process.
    client.on('error', () => {});
    const hangUp = () => streamOf(client).destroy(interrupted());
    signal?.addEventListener('abort', hangUp, { once: true });
    try {
      if (signal?.aborted) throw interrupted();
      await client.connect();
      return client;
    } catch (error) {
      lastError = error;
      await client.end().catch(() => {});
      if (signal?.aborted) throw interrupted();
      if (!isUndecided(error, connection.tls.mode, attempt)) break;
    } finally {
      signal?.removeEventListener('abort', hangUp);
    }
  }
  throw translateConnectionError(lastError, connection);
}

/** Its socket, in TLS or not; pg's types do not show it. */
function streamOf(client: pg.Client): { readonly encrypted?: boolean; destroy(error: Error): void } {
  return (client as unknown as { connection: { stream: ReturnType<typeof streamOf> } }).connection.stream;
}

export interface PoolOptions {
  /** Connections at most. */
  readonly max: number;
  /** Statements that come again are prepared (`PreparingClient`); not by default. */
  readonly prepare?: boolean;
}

/** A bounded pool of connections of the given profile. The caller ends it. */
export async function createPool(
  connection: ConnectionSettings,
  profile: WorkProfile,
  { max, prepare = false }: PoolOptions,
): Promise<pg.Pool> {
  // One trial connection settles TLS (`prefer`) and gives the reader a clear error before any work starts.
  const trial = await connect(connection, profile);
  const encrypted = streamOf(trial).encrypted === true;
  await trial.end();
  const settled = encrypted || connection.tls.mode === 'disable' ? 0 : 1;
  const attempt = connection.tls.mode === 'allow' ? (encrypted ? 1 : 0) : settled;
  const pool = new pg.Pool({
    ...(await clientConfig(connection, profile, attempt)),
    max,
    idleTimeoutMillis: 30_000,
    ...(prepare && { Client: PreparingClient }),
  });
  pool.on('error', () => {});
  return pool;
}

/** Kysely over a bounded pool. `destroy()` closes it. */
export async function createKysely<DB>(
  connection: ConnectionSettings,
  profile: WorkProfile,
  options: PoolOptions,
): Promise<Kysely<DB>> {
  return new Kysely<DB>({ dialect: new PostgresDialect({ pool: await createPool(connection, profile, options) }) });
}

/** What pg.Client is given: every value explicit, so that pg never falls back to the process's environment. */
export async function clientConfig(
  connection: ConnectionSettings,
  profile: WorkProfile,
  attempt = 0,
): Promise<pg.ClientConfig> {
  rememberSecret(connection.password);
  return {
    host: connection.host,
    port: connection.port,
    database: connection.database,
    user: connection.user,
    // A function, because an absent password would make pg read PGPASSWORD and ~/.pgpass by itself.
    password: async () => connection.password ?? '',
    ssl: await tlsOptions(connection, attempt),
    application_name: profile.applicationName,
    connectionTimeoutMillis: connection.connectTimeoutMs,
    keepAlive: true,
    options: serverOptions(connection, profile),
  };
}

/**
 * The limits travel in the start-up packet: a value set there is also what RESET goes back to, and it wins over
 * ALTER DATABASE … SET (facts: pg leaves out limits of 0, which would bring the database's 30 s back).
 */
function serverOptions(connection: ConnectionSettings, profile: WorkProfile): string {
  const settings = {
    statement_timeout: profile.statementTimeoutMs,
    lock_timeout: profile.lockTimeoutMs,
    idle_in_transaction_session_timeout: profile.idleInTransactionTimeoutMs,
    // pg reads times in this form only; a database may have another default.
    DateStyle: 'ISO',
  };
  const own = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  return [connection.options, ...own].filter(Boolean).join(' ');
}

async function tlsOptions(connection: ConnectionSettings, attempt: number): Promise<false | ConnectionOptions> {
  const { tls } = connection;
  const plain =
    tls.mode === 'disable' ||
    connection.host.startsWith('/') ||
    (tls.mode === 'allow' && attempt === 0) ||
    (tls.mode === 'prefer' && attempt === 1);
  if (plain) return false;
  const verifies = tls.mode === 'verify-ca' || tls.mode === 'verify-full';
  const read = async (file: string | undefined, what: string) => {
    if (file === undefined) return undefined;
    return readFile(file).catch((cause: unknown) => {
      throw new StructdbError('FILE_UNREADABLE', `Cannot read the ${what} ${file}.`, {
        cause,
        hint: 'Check the ssl… parameters of the connection.',
      });
    });
  };
  const ca = tls.rootCertificate === 'system' ? undefined : await read(tls.rootCertificate, 'root certificate');
  const cert = await read(tls.certificate, 'client certificate');
  const key = await read(tls.key, 'client key');
  return {
    // libpq verifies the chain whenever a root certificate file is there and the mode is require (manual, "SSL Support").
    rejectUnauthorized: verifies || (tls.mode === 'require' && ca !== undefined),
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    // For a server that has several certificates; where the host is a name, pg tells that one.
    ...(tls.serverName !== undefined && isIP(tls.serverName) === 0 ? { servername: tls.serverName } : {}),
    // verify-ca trusts any name signed by the authority; verify-full is Node's default check.
    checkServerIdentity: (host, certificate) =>
      tls.mode === 'verify-full' ? checkServerIdentity(tls.serverName ?? host, certificate) : undefined,
  };
}

/** Asks the server to cancel what `client` runs, through a connection of its own. */
async function cancelStatement(connection: ConnectionSettings, client: pg.Client): Promise<void> {
  const pid = (client as unknown as { processID: number | null }).processID;
  if (!pid) return;
  try {
    const other = await connect(connection, {
      applicationName: 'structdb cancel',
      statementTimeoutMs: 5000,
      lockTimeoutMs: 1000,
      idleInTransactionTimeoutMs: 5000,
    });
    await other.query('select pg_cancel_backend($1)', [pid]);
    await other.end();
  } catch {
    // The server is gone: there is nothing left to cancel.
  }
}

/** `"name"` with quotes doubled, for statements that take no parameters. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `'text'` for statements that take no parameters; independent of standard_conforming_strings. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? ` E${quoted}` : quoted;
}

export { describeConnection };
