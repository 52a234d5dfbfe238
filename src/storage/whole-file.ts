import { randomUUID } from 'node:crypto';
import { constants, copyFile, link, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { codeOf, StructdbError } from '../core/errors.ts';

/** Writes a file so that a reader, or a crash, sees the old or the new one and never a part; given to `owner` where root writes for another. */
export async function writeWhole(
  file: string,
  content: string | Uint8Array,
  mode: number,
  owner?: { readonly uid: number; readonly gid: number },
): Promise<void> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      // open() applies the umask; the mode here is a decision
      await handle.chmod(mode);
      if (owner) await handle.chown(owner.uid, owner.gid);
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true });
    if (codeOf(cause) === 'ENOSPC') {
      throw new StructdbError('DISK_FULL', `No space is left to write ${file}.`, {
        cause,
        hint: 'Free space, then run the command again.',
      });
    }
    if (codeOf(cause) === 'ENOENT') {
      const folder = path.dirname(file);
      throw new StructdbError('FILE_MISSING', `There is no folder ${folder} to write ${path.basename(file)} into.`, {
        cause,
        hint: `Make it first: mkdir -p ${folder}`,
      });
    }
    throw new StructdbError('FILE_UNREADABLE', `Cannot write ${file}.`, {
      cause,
      hint: `Check the owner and the permissions of ${path.dirname(file)}.`,
    });
  }
}

/** A second name for a file where the file system allows it, else a copy (shared blocks where it can). */
export async function linkOrCopy(source: string, target: string): Promise<void> {
  await link(source, target).catch(() => copyFile(source, target, constants.COPYFILE_FICLONE));
}
