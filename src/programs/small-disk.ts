import { mkdir, readFile, rm } from 'node:fs/promises';
import { StructdbError } from '../core/errors.ts';
import { runProgram } from './run.ts';

const program = (name: string) => Object.freeze({ name, path: name, version: '', major: 0 });
const ENVIRONMENT = Object.freeze({ PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' });

/**
 * A file system of its own in memory, mounted at a new directory, so that a full disk can be tried without filling
 * anybody's. Returns what unmounts and removes it; undefined where this process may not mount.
 */
export async function mountSmallDisk(directory: string, sizeBytes: number): Promise<(() => Promise<void>) | undefined> {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return undefined;
  await mkdir(directory, { mode: 0o711 });
  try {
    await runProgram(
      program('mount'),
      ['-t', 'tmpfs', '-o', `size=${sizeBytes},mode=711,nodev,nosuid`, 'structdb-drill', directory],
      { env: ENVIRONMENT, doing: `Mounting ${directory}` },
    );
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    if (error instanceof StructdbError && error.code === 'PROGRAM_FAILED') return undefined;
    throw error;
  }
  return async () => {
    await unmount(directory);
    await rm(directory, { recursive: true, force: true });
  };
}

/** Unmounts every small disk below `directory`, also while something still looks at it. */
export async function unmountBelow(directory: string): Promise<void> {
  const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '');
  for (const line of mounts.split('\n')) {
    const [device, place] = line.split(' ');
    if (device === 'structdb-drill' && place?.startsWith(`${directory}/`)) await unmount(place);
  }
}

async function unmount(directory: string): Promise<void> {
  await runProgram(program('umount'), ['--lazy', directory], { env: ENVIRONMENT, doing: `Unmounting ${directory}` });
}
