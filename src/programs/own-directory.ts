import { access, chmod, constants, mkdtemp, readdir, readlink, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { StructdbError } from '../core/errors.ts';
import { processStart } from './process.ts';

/** /tmp is often kept in memory. */
let root = '/var/tmp';

/** The folder for large temporary files: scratch servers, fetched dumps, unpacked backups. */
export function temporaryRoot(): string {
  return root;
}

/**
 * Puts them into another folder from here on; called once, before anything else is done. A server whose user cannot enter
 * it is refused where one is to be started. @throws USAGE when it is no folder, or nothing can be written there
 */
export async function useTemporaryRoot(directory: string): Promise<void> {
  const problem = await problemOf(directory);
  if (problem !== undefined) {
    throw new StructdbError('USAGE', `STRUCTDB_SCRATCH names "${directory}", ${problem}.`, {
      hint: 'Name a folder that exists and may be written, by its whole path; without the variable it is /var/tmp.',
    });
  }
  root = directory;
}

async function problemOf(directory: string): Promise<string | undefined> {
  if (!path.isAbsolute(directory)) return 'which is no whole path';
  const found = await stat(directory).catch(() => undefined);
  if (!found?.isDirectory()) return 'which is no folder';
  return access(directory, constants.W_OK | constants.X_OK).then(
    () => undefined,
    () => 'where nothing may be written',
  );
}

/**
 * A temporary directory whose name says which process made it (process namespace, id, start), removed by the same
 * bracket. What a kill -9 leaves is thereby told from what is in use: `abandonedDirectories`.
 */
export async function withOwnDirectory<T>(
  kind: string,
  mode: number,
  work: (directory: string) => Promise<T>,
): Promise<T> {
  const mark = [await processSpace(), process.pid, (await processStart(process.pid)) ?? '0'].join('-');
  const directory = await mkdtemp(path.join(root, `structdb-${kind}-${mark}-`));
  try {
    await chmod(directory, mode);
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The directories of that kind whose process, of this process namespace, is gone. */
export async function abandonedDirectories(kind: string): Promise<string[]> {
  const space = await processSpace();
  if (space === '0') return [];
  const abandoned: string[] = [];
  for (const name of await readdir(root).catch(() => [] as string[])) {
    const match = /^structdb-([a-z]+)-(\d+)-(\d+)-(\d+)-\w+$/.exec(name);
    if (!match || match[1] !== kind || match[2] !== space) continue;
    if ((await processStart(Number(match[3]))) !== match[4]) abandoned.push(path.join(root, name));
  }
  return abandoned;
}

/** The number of this process namespace; 0 where the system does not say, and then nothing is ever called abandoned. */
async function processSpace(): Promise<string> {
  const link = await readlink('/proc/self/ns/pid').catch(() => '');
  return /\d+/.exec(link)?.[0] ?? '0';
}
