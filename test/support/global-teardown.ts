import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { findServerPrograms, stopServer } from '../../src/postgres/cluster.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { testEnvironment, testPlaces } from './environment.ts';
import { stopS3Gateway } from './s3-gateway.ts';

export default async function tearDown(): Promise<void> {
  const file = process.env.STRUCTDB_TEST_SERVER;
  if (!file) return;
  const { directory, dataDirectory } = JSON.parse(await readFile(file, 'utf8')) as {
    directory: string;
    dataDirectory: string;
  };
  await stopS3Gateway(path.join(directory, 's3'));
  const programs = await findServerPrograms(testPlaces());
  await stopServer({ programs, dataDirectory, user: await serverUser(testEnvironment()), mode: 'immediate' });
  await rm(directory, { recursive: true, force: true });
}
