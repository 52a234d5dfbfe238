/** How TLS is used, in libpq's words. */
export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

export interface TlsSettings {
  readonly mode: SslMode;
  /** Files; undefined means libpq's default place was looked at and held nothing. */
  readonly rootCertificate?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** The name that verify-full looks for, where `host` is the address that hostaddr gave for it. */
  readonly serverName?: string;
}

/** One fully resolved way to a database: nothing in it depends on the environment any more. */
export interface ConnectionSettings {
  /** Host name, address, or an absolute path: the directory of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password?: string;
  readonly tls: TlsSettings;
  /** Milliseconds to wait for the connection. */
  readonly connectTimeoutMs: number;
  /** Server options as in libpq's `options` (`-c search_path=…`). */
  readonly options?: string;
  /** Where it came from, for messages: `--url`, `DATABASE_URL`, `the private server`, … */
  readonly source: string;
}

/** `postgres://user@host:port/database`, without the password: safe to print. */
export function describeConnection(connection: ConnectionSettings): string {
  const user = encodeURIComponent(connection.user);
  const database = encodeURIComponent(connection.database);
  return connection.host.startsWith('/')
    ? `postgres://${user}@/${database}?host=${connection.host}&port=${connection.port}`
    : `postgres://${user}@${connection.host.includes(':') ? `[${connection.host}]` : connection.host}:${connection.port}/${database}`;
}

/** The same way to another database of the same server. */
export function withDatabase(connection: ConnectionSettings, database: string): ConnectionSettings {
  return Object.freeze({ ...connection, database });
}
