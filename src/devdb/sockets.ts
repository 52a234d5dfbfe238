import { chmod, chown, lstat, mkdtemp, rm } from 'node:fs/promises';
import type { SystemUser } from '../programs/run.ts';

/** A Unix socket's whole path has 107 bytes at most: `/tmp/structdb-XXXXXX/.s.PGSQL.65535` has 36, wherever the checkout is. */
const PREFIX = '/tmp/structdb-';

/** A new private directory for the server's socket. */
export async function makeSocketDirectory(user: SystemUser | undefined): Promise<string> {
  const directory = await mkdtemp(PREFIX);
  await chmod(directory, 0o700);
  if (user) await chown(directory, user.uid, user.gid);
  return directory;
}

/** Removes a socket directory that `makeSocketDirectory` made for this user id, and nothing else. */
export async function removeSocketDirectory(directory: string, owner: number | undefined): Promise<void> {
  const found = await lstat(directory).catch(() => undefined);
  if (!/^\/tmp\/structdb-\w{6}$/.test(directory) || !found?.isDirectory()) return;
  if (owner !== undefined && found.uid !== owner) return;
  await rm(directory, { recursive: true, force: true });
}
