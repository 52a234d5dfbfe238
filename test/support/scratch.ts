import { chmod, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll } from '@jest/globals';

/** A folder for the tests of one file, removed after them. 0755, so that the server's user reaches what is in it. */
export async function scratchDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join('/var/tmp', 'structdb-test-'));
  await chmod(directory, 0o755);
  afterAll(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
