import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import {
  findServerPrograms,
  type ScratchCluster,
  type ServerPrograms,
  withScratchCluster,
} from '../postgres/cluster.ts';
import type { SearchPlaces } from '../programs/find.ts';
import { abandonedDirectories, TEMPORARY_ROOT, withOwnDirectory } from '../programs/own-directory.ts';
import { processesBelow } from '../programs/process.ts';
import { unmountBelow } from '../programs/small-disk.ts';

/** An isolated server of at least that major, gone afterwards; what a killed drill left is removed first. */
export async function withDrillServer<T>(
  options: { readonly places: SearchPlaces; readonly major: number },
  context: RunContext,
  work: (cluster: ScratchCluster, programs: ServerPrograms) => Promise<T>,
): Promise<T> {
  await removeAbandoned(context);
  const step = 'drill.server';
  const message = 'Starting an isolated server';
  const began = context.clock.monotonicMs();
  context.report({ kind: 'step', step, message });
  const programs = await serverPrograms(options.places, options.major);
  // The server's user passes through the directory but cannot list it.
  return withOwnDirectory('drill', 0o711, (parent) =>
    withScratchCluster({ programs, environment: options.places.environment, parent }, context, (cluster) => {
      context.report({ kind: 'done', step, message, durationMs: context.clock.monotonicMs() - began });
      return work(cluster, programs).catch(async (error) => {
        throw tellFullDisk(error, await readFile(path.join(cluster.directory, 'server.log'), 'utf8').catch(() => ''));
      });
    }).catch((error) => {
      throw tellFullDisk(error, '');
    }),
  );
}

/** A server that cannot write ends sessions, or itself: its log tells why. */
function tellFullDisk(error: unknown, log: string): unknown {
  if (!(error instanceof StructdbError) || error.code === 'INTERRUPTED' || error.code === 'DISK_FULL') return error;
  const line = [...error.details, ...log.split('\n')].find((text) => text.includes('No space left on device'));
  if (line === undefined) return error;
  return new StructdbError('DISK_FULL', `The isolated server has no space in ${TEMPORARY_ROOT}.`, {
    cause: error,
    details: [line.trim()],
    hint: 'Free space there: the server needs about 45 MB, and room for the database and its WAL.',
  });
}

/** The backup's own major, else a newer one. @throws PROGRAM_MISSING, PROGRAM_TOO_OLD */
async function serverPrograms(places: SearchPlaces, major: number): Promise<ServerPrograms> {
  try {
    return await findServerPrograms(places, { major });
  } catch (error) {
    if (!(error instanceof StructdbError) || error.code !== 'PROGRAM_TOO_OLD') throw error;
    const newest = await findServerPrograms(places);
    if (newest.postgres.major >= major) return newest;
    throw error;
  }
}

/** Stops and removes what drills left that were killed: their process is gone. */
export async function removeAbandoned(context: RunContext): Promise<void> {
  for (const directory of await abandonedDirectories('drill')) {
    const sockets = await socketDirectoriesOf(directory);
    await endAll(directory);
    await unmountBelow(directory);
    for (const socketDirectory of sockets) await rm(socketDirectory, { recursive: true, force: true });
    const removed = await rm(directory, { recursive: true, force: true }).then(
      () => true,
      () => false,
    );
    // Somebody else's stays for their next drill.
    if (!removed) continue;
    context.report({ kind: 'notice', message: `Removed the scratch server that a killed drill left (${directory}).` });
  }
}

/** Servers are asked to end at once; what is still there after five seconds is killed. */
async function endAll(directory: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const running = await processesBelow(directory);
    if (running.length === 0 || tries > 150) return;
    if (tries % 50 === 0) for (const pid of running) quit(pid, tries === 0 ? 'SIGQUIT' : 'SIGKILL');
    await wait(50);
  }
}

/** Beside a data directory: where the sockets of its server are, whether or not it runs. */
export const SOCKETS_FILE = 'socket-directory';

/**
 * What that file says, or the fifth line of postmaster.pid. Only those that drills make: the files may name any directory.
 */
async function socketDirectoriesOf(directory: string): Promise<string[]> {
  const files = await readdir(directory, { recursive: true }).catch(() => [] as string[]);
  const found: string[] = [];
  for (const file of files) {
    const line = { [SOCKETS_FILE]: 0, 'postmaster.pid': 4 }[path.basename(file)];
    if (line === undefined) continue;
    const text = await readFile(path.join(directory, file), 'utf8').catch(() => '');
    const socketDirectory = text.split('\n')[line];
    if (socketDirectory && /^\/tmp\/structdb-[rs]-\w+$/.test(socketDirectory)) found.push(socketDirectory);
  }
  return found;
}

/** False where it belongs to another user, or ended by itself. */
function quit(pid: number, signal: 'SIGQUIT' | 'SIGKILL'): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
