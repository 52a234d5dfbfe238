import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { abandonedDirectories } from '../programs/own-directory.ts';
import { processesBelow } from '../programs/process.ts';
import { unmountBelow } from '../programs/small-disk.ts';
import { isSocketDirectory, SOCKETS_FILE } from './socket-directory.ts';

/**
 * Stops and removes the scratch servers, in directories of withOwnDirectory(kind), whose process was killed. Gives the
 * directories that it removed.
 */
export async function removeAbandonedServers(kind: string): Promise<string[]> {
  const gone: string[] = [];
  for (const directory of await abandonedDirectories(kind)) {
    const sockets = await socketDirectoriesOf(directory);
    await endAll(directory);
    await unmountBelow(directory);
    for (const socketDirectory of sockets) await rm(socketDirectory, { recursive: true, force: true });
    const removed = await rm(directory, { recursive: true, force: true }).then(
      () => true,
      () => false,
    );
    // Somebody else's stays for their next run.
    if (removed) gone.push(directory);
  }
  return gone;
}

/** Servers that run below a directory are asked to end at once; what is still there after five seconds is killed. */
export async function endAll(directory: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const running = await processesBelow(directory);
    if (running.length === 0 || tries > 150) return;
    if (tries % 50 === 0) for (const pid of running) quit(pid, tries === 0 ? 'SIGQUIT' : 'SIGKILL');
    await wait(50);
  }
}

/** What the servers' own files say: SOCKETS_FILE, or the fifth line of postmaster.pid. */
async function socketDirectoriesOf(directory: string): Promise<string[]> {
  const files = await readdir(directory, { recursive: true }).catch(() => [] as string[]);
  const found: string[] = [];
  for (const file of files) {
    const line = { [SOCKETS_FILE]: 0, 'postmaster.pid': 4 }[path.basename(file)];
    if (line === undefined) continue;
    const text = await readFile(path.join(directory, file), 'utf8').catch(() => '');
    const socketDirectory = text.split('\n')[line];
    if (socketDirectory !== undefined && isSocketDirectory(socketDirectory)) found.push(socketDirectory);
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
