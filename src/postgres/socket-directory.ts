import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SystemUser } from '../programs/run.ts';

/** In the directory of a server that is there for one piece of work: where its socket is, whether or not it runs. */
export const SOCKETS_FILE = 'socket-directory';

/**
 * A new private folder for a server's socket, which has 107 bytes for its path: never below a folder whose depth somebody
 * else decides. Its name is written into `directory` before it is there, so that whoever clears away after a kill finds it
 * whenever that came.
 */
export async function makeSocketDirectory(directory: string, user: SystemUser | undefined): Promise<string> {
  const socketDirectory = `/tmp/structdb-s-${randomBytes(6).toString('hex')}`;
  await writeFile(path.join(directory, SOCKETS_FILE), `${socketDirectory}\n`);
  await mkdir(socketDirectory, { mode: 0o700 });
  if (user) await chown(socketDirectory, user.uid, user.gid);
  return socketDirectory;
}

/** Whether structdb makes such: the files that name one belong to the server's user, who could name any directory. */
export function isSocketDirectory(name: string): boolean {
  return /^\/tmp\/structdb-[rs]-\w+$/.test(name);
}

/** Removes the directory of such a server; the folder of its socket first, which nothing would name afterwards. */
export async function removeWithSockets(directory: string): Promise<void> {
  const socketDirectory = (await readFile(path.join(directory, SOCKETS_FILE), 'utf8').catch(() => '')).trim();
  if (isSocketDirectory(socketDirectory)) await rm(socketDirectory, { recursive: true, force: true });
  await rm(directory, { recursive: true, force: true });
}
