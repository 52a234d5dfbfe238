import { open, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '../core/errors.ts';
import { isGone, ownMark, type ProcessMark } from '../repository/holder.ts';
import { parseJson } from '../repository/repository.ts';

/** The process that holds a folder shows that it lives by touching its mark. */
export const LIVES_MS = 10_000;
const HOLDER = 'holder.json';

/** Becomes the one process that works in a folder. False when another one does. */
export async function holdFolder(directory: string): Promise<boolean> {
  if (await isHeld(directory)) return false;
  const file = path.join(directory, HOLDER);
  await rm(file, { force: true });
  const handle = await open(file, 'wx', 0o600).catch((error: unknown) => {
    if (codeOf(error) === 'EEXIST') return undefined;
    throw error;
  });
  await handle?.writeFile(JSON.stringify(await ownMark()));
  await handle?.close();
  return handle !== undefined;
}

/** Shows that the process lives. @throws ENOENT when the folder was removed */
export async function touchFolder(directory: string): Promise<void> {
  const handle = await open(path.join(directory, HOLDER), 'r+');
  try {
    await handle.utimes(new Date(), new Date());
  } finally {
    await handle.close();
  }
}

/** Gives a folder free that this process holds. */
export async function releaseFolder(directory: string): Promise<void> {
  await rm(path.join(directory, HOLDER), { force: true });
}

/** Whether a living process works in it. */
export async function isHeld(directory: string): Promise<boolean> {
  const file = path.join(directory, HOLDER);
  const found = await stat(file).catch(() => undefined);
  if (!found || Date.now() - found.mtimeMs > LIVES_MS) return false;
  const mark = parseJson(await readFile(file).catch(() => Buffer.alloc(0))) as ProcessMark | undefined;
  return mark !== undefined && !(await isGone(mark));
}
