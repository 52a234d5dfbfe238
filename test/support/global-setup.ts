import { chown, mkdtemp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { findServerPrograms, freePort, initCluster, startServer } from '../../src/postgres/cluster.ts';
import { scratchSettings } from '../../src/postgres/settings.ts';
import { temporaryRoot, useTemporaryRoot } from '../../src/programs/own-directory.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { testContext } from './context.ts';
import { testEnvironment, testPlaces } from './environment.ts';

/** One real server for the whole run: each test makes databases and roles of its own in it. */
export default async function setUp(): Promise<void> {
  if (process.env.STRUCTDB_SCRATCH) await useTemporaryRoot(process.env.STRUCTDB_SCRATCH);
  const environment = testEnvironment();
  const programs = await findServerPrograms(testPlaces());
  const user = await serverUser(environment);
  const directory = await mkdtemp(path.join(temporaryRoot(), 'structdb-jest-'));
  if (user) await chown(directory, user.uid, user.gid);
  const dataDirectory = path.join(directory, 'data');
  const port = await freePort();
  const password = 'test-superuser-password';
  const context = testContext();
  const server = { programs, dataDirectory, user };
  const settings = {
    ...scratchSettings(),
    max_connections: '200',
    wal_level: 'replica',
    max_wal_senders: '10',
    fsync: 'off',
    shared_preload_libraries: 'pg_stat_statements',
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
  };
  await initCluster({ ...server, superuser: 'postgres', password, settings, throwaway: true }, context);
  await startServer({ ...server, logFile: path.join(directory, 'server.log') }, context);
  const state = {
    ...{ directory, dataDirectory, port, password, pgCtl: programs.pgCtl, uid: user?.uid, gid: user?.gid },
    // The S3 gateway, where a test starts one, ends with this process.
    runner: process.pid,
  };
  const stateFile = path.join(directory, 'state.json');
  await writeFile(stateFile, JSON.stringify(state));
  process.env.STRUCTDB_TEST_SERVER = stateFile;
}
