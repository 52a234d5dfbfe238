import { readFile, rm } from 'node:fs/promises';
import { findServerPrograms, stopServer } from '../../src/postgres/cluster.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { testEnvironment, testPlaces } from './environment.ts';

export default async function tearDown(): Promise<void> {
  const file = process.env.STRUCTDB_TEST_SERVER;
  if (!file) return;
  const { directory, dataDirectory } = JSON.parse(await readFile(file, 'utf8')) as {
    directory: string;
    dataDirectory: string;
  };
  const programs = await findServerPrograms(testPlaces());
  await stopServer({ programs, dataDirectory, user: await serverUser(testEnvironment()), mode: 'immediate' });
  await rm(directory, { recursive: true, force: true });
}
