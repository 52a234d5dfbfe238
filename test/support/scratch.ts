import { chmod, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll } from '@jest/globals';
import { temporaryRoot } from '../../src/programs/own-directory.ts';

const made: string[] = [];

// Registered when a test file imports this module: jest allows no hook inside a test.
afterAll(async () => {
  // A process that pushes or fetches ahead ends by itself, and may still write until then.
  for (const directory of made) await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

/** A folder for the tests of one file, removed after them. 0755, so that the server's user reaches what is in it. */
export async function scratchDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join(temporaryRoot(), 'structdb-test-'));
  made.push(directory);
  await chmod(directory, 0o755);
  return directory;
}
