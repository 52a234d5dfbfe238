import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { runProgram } from './run.ts';

const SYNC = Object.freeze({ name: 'sync', path: 'sync', version: '', major: 0 });

/**
 * Makes everything below a directory durable. On Linux its whole file system at once, by coreutils' `sync -f`
 * (syncfs(2), which reports what could not be written): as PostgreSQL does with `--sync-method=syncfs`. Elsewhere file by
 * file.
 */
export async function syncTree(directory: string, signal?: AbortSignal): Promise<void> {
  if (process.platform !== 'linux') return syncEach(directory);
  await runProgram(SYNC, ['-f', directory], {
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
    signal,
    doing: `Making ${directory} durable`,
  });
}

/** Makes one file, or a folder's entries, durable. */
export async function syncOne(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncEach(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const full = path.join(directory, entry.name);
    if (entry.isDirectory()) await syncEach(full);
    else if (entry.isFile()) await syncOne(full);
  }
  await syncOne(directory);
}
