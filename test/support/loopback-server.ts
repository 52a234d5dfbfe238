import { chmod, chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { freePort, initCluster, type ServerPrograms, startServer, stopServer } from '../../src/postgres/cluster.ts';
import { scratchSettings } from '../../src/postgres/settings.ts';
import { temporaryRoot } from '../../src/programs/own-directory.ts';
import type { SystemUser } from '../../src/programs/run.ts';
import { testContext } from './context.ts';

const stops: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const stop of stops) await stop();
});

/** A directory that the server's user reaches and owns, gone after the tests of the file. */
export async function serverDirectory(name: string, user: SystemUser | undefined): Promise<string> {
  const directory = await mkdtemp(path.join(temporaryRoot(), `structdb-${name}-`));
  stops.push(() => rm(directory, { recursive: true, force: true }));
  await chmod(directory, 0o755);
  if (user) await chown(directory, user.uid, user.gid);
  return directory;
}

export interface LoopbackServer {
  readonly programs: ServerPrograms;
  readonly user: SystemUser | undefined;
  /** Of `serverDirectory`; the cluster is made in it. */
  readonly directory: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** Lines that go before those of its pg_hba.conf. */
  readonly pgHba?: readonly string[];
}

export interface PreparedServer {
  /** Its superuser's way, once it is started. */
  readonly connection: ConnectionSettings;
  readonly dataDirectory: string;
  start(): Promise<void>;
}

/** A server of its own on a free port of 127.0.0.1, stopped after the tests of the file. Returns its superuser's way. */
export async function startLoopbackServer(options: LoopbackServer): Promise<ConnectionSettings> {
  const { connection, start } = await prepareLoopbackServer(options);
  await start();
  return connection;
}

/** The same, not started yet. */
export async function prepareLoopbackServer(options: LoopbackServer): Promise<PreparedServer> {
  const { programs, user, directory } = options;
  const server = { programs, dataDirectory: path.join(directory, 'data'), user };
  const port = await freePort();
  const password = 'superuser-password';
  const settings = {
    ...scratchSettings(),
    fsync: 'off',
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
    ...options.settings,
  };
  await initCluster({ ...server, superuser: 'postgres', password, settings, throwaway: true }, testContext());
  const hba = path.join(server.dataDirectory, 'pg_hba.conf');
  await writeFile(hba, [...(options.pgHba ?? []), await readFile(hba, 'utf8')].join('\n'));
  stops.unshift(() => stopServer({ ...server, mode: 'immediate' }));
  const start = () => startServer({ ...server, logFile: path.join(directory, 'server.log') }, testContext());
  const connection: ConnectionSettings = {
    host: '127.0.0.1',
    port,
    database: 'postgres',
    user: 'postgres',
    password,
    tls: { mode: 'disable' },
    connectTimeoutMs: 10_000,
    source: 'a test server',
  };
  return { connection, dataDirectory: server.dataDirectory, start };
}
