import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll } from '@jest/globals';
import pg from 'pg';
import type { ConnectionSettings } from '../../src/config/connection.ts';

export interface TestServer {
  /** The superuser's way to the maintenance database. */
  readonly superuser: ConnectionSettings;
  /** A new database, dropped after the file's tests. A template is copied whole. */
  createDatabase(options?: {
    readonly name?: string;
    readonly owner?: string;
    readonly template?: string;
  }): Promise<ConnectionSettings>;
  /** A new login role, dropped after the file's tests; plain unless attributes are given (`CREATEDB`). */
  createRole(attributes?: string): Promise<{ readonly user: string; readonly password: string }>;
  /** A new database owned by a new plain role; the connection is that role's. */
  createOwnedDatabase(attributes?: string): Promise<ConnectionSettings>;
}

let counter = 0;

/** The shared server of this test run. What a file makes in it goes when the file ends. */
export function useServer(): TestServer {
  const file = process.env.STRUCTDB_TEST_SERVER;
  if (!file) throw new Error('The shared server is not up: run the tests through jest.config.ts.');
  const { port, password } = JSON.parse(readFileSync(file, 'utf8')) as { port: number; password: string };
  const superuser: ConnectionSettings = Object.freeze({
    host: '127.0.0.1',
    port,
    database: 'postgres',
    user: 'postgres',
    password,
    tls: { mode: 'disable' as const },
    connectTimeoutMs: 10_000,
    source: 'the test server',
  });
  const databases: string[] = [];
  const roles: string[] = [];
  const unique = (kind: string) => {
    counter += 1;
    return `${kind}_${process.env.JEST_WORKER_ID ?? '0'}_${counter}_${randomBytes(3).toString('hex')}`;
  };
  afterAll(async () => {
    await sql(superuser, async (client) => {
      for (const database of databases) await client.query(`drop database if exists ${quote(database)} with (force)`);
      for (const role of roles) {
        const { rows } = await client.query<{ datname: string }>(
          `select datname from pg_database where pg_get_userbyid(datdba) = $1`,
          [role],
        );
        for (const { datname } of rows) await client.query(`drop database if exists ${quote(datname)} with (force)`);
        await client.query(`drop owned by ${quote(role)}`).catch(() => {});
        // A role that still holds a grant somewhere goes with the whole server at the end of the run.
        await client.query(`drop role if exists ${quote(role)}`).catch(() => {});
      }
    });
  });
  const server: TestServer = {
    superuser,
    async createDatabase({ name = unique('db'), owner, template } = {}) {
      databases.push(name);
      const clauses = `${owner ? ` owner ${quote(owner)}` : ''}${template ? ` template ${quote(template)}` : ''}`;
      await sql(superuser, (client) => client.query(`create database ${quote(name)}${clauses}`));
      return Object.freeze({ ...superuser, database: name });
    },
    async createRole(attributes = '') {
      const user = unique('role');
      roles.push(user);
      const rolePassword = randomBytes(9).toString('hex');
      await sql(superuser, (client) =>
        client.query(`create role ${quote(user)} login password '${rolePassword}' ${attributes}`),
      );
      return { user, password: rolePassword };
    },
    async createOwnedDatabase(attributes = '') {
      const role = await server.createRole(attributes);
      const connection = await server.createDatabase({ owner: role.user });
      return Object.freeze({ ...connection, ...role });
    },
  };
  return server;
}

/** Runs statements on a plain connection, closed afterwards. */
export async function sql<T>(connection: ConnectionSettings, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    host: connection.host,
    port: connection.port,
    database: connection.database,
    user: connection.user,
    password: connection.password ?? '',
    ssl: false,
  });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** Waits until the query finds a row. */
export async function until(connection: ConnectionSettings, query: string): Promise<void> {
  await sql(connection, async (client) => {
    while ((await client.query(query)).rowCount === 0) await client.query('select pg_sleep(0.02)');
  });
}

/** The connection as a URL, password included: for --url. */
export function urlOf(connection: ConnectionSettings): string {
  const user = `${encodeURIComponent(connection.user)}:${encodeURIComponent(connection.password ?? '')}`;
  return `postgres://${user}@${connection.host}:${connection.port}/${encodeURIComponent(connection.database)}?sslmode=disable`;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
