import { chmod, mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import path from 'node:path';
import { processStart } from './process.ts';

/** Large temporary files: /tmp is often kept in memory. */
export const TEMPORARY_ROOT = '/var/tmp';

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
  const directory = await mkdtemp(path.join(TEMPORARY_ROOT, `structdb-${kind}-${mark}-`));
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
  for (const name of await readdir(TEMPORARY_ROOT).catch(() => [] as string[])) {
    const match = /^structdb-([a-z]+)-(\d+)-(\d+)-(\d+)-\w+$/.exec(name);
    if (!match || match[1] !== kind || match[2] !== space) continue;
    if ((await processStart(Number(match[3]))) !== match[4]) abandoned.push(path.join(TEMPORARY_ROOT, name));
  }
  return abandoned;
}

/** The number of this process namespace; 0 where the system does not say, and then nothing is ever called abandoned. */
async function processSpace(): Promise<string> {
  const link = await readlink('/proc/self/ns/pid').catch(() => '');
  return /\d+/.exec(link)?.[0] ?? '0';
}
