import { existsSync, readFileSync } from 'node:fs';

/** What a server holds of the system's shared memory, as the kernel names it. */
export interface SharedMemory {
  /** Files below /dev/shm. */
  readonly files: readonly string[];
  /** Numbers of segments of System V. */
  readonly segments: readonly string[];
}

/** Read from the maps of a postmaster (man proc_pid_maps). */
export function sharedMemoryOf(postmaster: number): SharedMemory {
  const maps = readFileSync(`/proc/${postmaster}/maps`, 'utf8').split('\n');
  const mapped = maps.map((line) => line.split(/\s+/)).map(([, , , , inode, file]) => ({ inode, file }));
  const files = mapped.flatMap(({ file }) => (file?.startsWith('/dev/shm/PostgreSQL.') ? [file] : []));
  const segments = mapped.flatMap(({ inode, file }) => (file?.startsWith('/SYSV') ? [inode!] : []));
  return { files: [...new Set(files)], segments: [...new Set(segments)] };
}

/** What of it the system still has. */
export function leftOf({ files, segments }: SharedMemory): string[] {
  const known = readFileSync('/proc/sysvipc/shm', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[1]);
  return [...files.filter((file) => existsSync(file)), ...segments.filter((id) => known.includes(id))];
}
