import { rm } from 'node:fs/promises';
import path from 'node:path';
import { baseProgramEnvironment } from '../programs/credentials.ts';
import { runProgram, type SystemUser } from '../programs/run.ts';
import type { ServerPrograms } from './cluster.ts';

/**
 * Frees what a server that was killed (SIGKILL) left in the system: two segments below /dev/shm, a megabyte and more,
 * and one of System V. Nobody else would before the next start in this data directory, and there is none where the
 * directory goes away. No process of the server may run any more.
 *
 * `postgres --check` lays out shared memory and ends; first it finds what an earlier server of this directory left,
 * and removes it (PostgreSQL source, PGSharedMemoryCreate). It changes no data. Where it cannot, as on a full disk,
 * the segments stay: they are no reason to fail.
 */
export async function releaseSharedMemory(server: {
  readonly programs: Pick<ServerPrograms, 'postgres'>;
  readonly dataDirectory: string;
  readonly user: SystemUser | undefined;
}): Promise<void> {
  // Of a process that has ended and was not yet reaped the system still knows the number, and PostgreSQL would stop at it.
  await rm(path.join(server.dataDirectory, 'postmaster.pid'), { force: true });
  // Only room for itself: the server's own settings may ask for gigabytes.
  const little = ['-c', 'shared_buffers=128kB', '-c', 'huge_pages=off'];
  await runProgram(server.programs.postgres, ['--check', '-D', server.dataDirectory, ...little], {
    env: baseProgramEnvironment,
    user: server.user,
    doing: 'Freeing the shared memory of a killed server',
  }).catch(() => {});
}
