import { createHash, randomBytes } from 'node:crypto';
import { constants, type FileHandle, link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '../core/errors.ts';
import { TEMPORARY_PREFIX, type Written } from './store.ts';

/** Who a directory store's files belong to and who may read them. */
export interface Ownership {
  /** Set when structdb runs as root for another owner: new files and folders are given to it. */
  readonly chownTo: { readonly uid: number; readonly gid: number } | undefined;
  readonly fileMode: number;
  readonly folderMode: number;
}

/**
 * Writes a file so that a power cut leaves the whole new file or none: temporary name in the same folder, fsync, then
 * rename (or link, which fails when the name is taken), fsync of the folder (PostgreSQL's durable_rename does the same).
 * Returns undefined when `exclusive` and the name is taken.
 */
export async function writeDurably(
  file: string,
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ownership: Ownership,
  exclusive: boolean,
): Promise<Written | undefined> {
  const folder = path.dirname(file);
  const temporary = path.join(folder, `${TEMPORARY_PREFIX}${randomBytes(8).toString('hex')}`);
  const handle = await openInFolder(temporary, ownership);
  try {
    const written = await writeAll(handle, body, ownership);
    if (exclusive) {
      const taken = await link(temporary, file).then(
        () => false,
        (error) => {
          if (codeOf(error) === 'EEXIST') return true;
          throw error;
        },
      );
      await rm(temporary);
      if (taken) {
        // Whoever took it may have been killed before this: a caller who finds it equal may rely on it.
        await syncFolder(folder);
        return undefined;
      }
    } else {
      await rename(temporary, file);
    }
    await syncFolder(folder);
    return written;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/** Makes a folder and those above it durably, each owned as told; those that exist are left alone. */
export async function makeFolder(folder: string, ownership: Ownership): Promise<void> {
  if (await stat(folder).catch(() => undefined)) return;
  const parent = path.dirname(folder);
  await makeFolder(parent, ownership);
  try {
    await mkdir(folder, { mode: ownership.folderMode });
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    throw error;
  }
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    if (ownership.chownTo) await handle.chown(ownership.chownTo.uid, ownership.chownTo.gid);
    // The umask may have taken bits away that groupAccess wants.
    await handle.chmod(ownership.folderMode);
  } finally {
    await handle.close();
  }
  await syncFolder(parent);
}

async function openInFolder(file: string, ownership: Ownership): Promise<FileHandle> {
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0);
  for (let attempt = 0; ; attempt += 1) {
    await makeFolder(path.dirname(file), ownership);
    try {
      return await open(file, flags, ownership.fileMode);
    } catch (error) {
      // Another run's delete removed the empty folder in between.
      if (codeOf(error) !== 'ENOENT' || attempt >= 5) throw error;
    }
  }
}

/** The disk begins to write while more comes: the sync at the end then has little left. */
const SYNC_EVERY_BYTES = 16 * 1024 * 1024;

async function writeAll(
  handle: FileHandle,
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ownership: Ownership,
): Promise<Written> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let unsyncedBytes = 0;
  let syncing: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;
  const syncAhead = async () => {
    // The system tells of a page that could not be written once: a later sync may find nothing wrong.
    await handle.datasync().catch((error: unknown) => {
      failure = { error };
    });
    syncing = undefined;
  };
  try {
    if (ownership.chownTo) await handle.chown(ownership.chownTo.uid, ownership.chownTo.gid);
    await handle.chmod(ownership.fileMode);
    for await (const chunk of body) {
      hash.update(chunk);
      for (let offset = 0; offset < chunk.byteLength; ) {
        offset += (await handle.write(chunk, offset, chunk.byteLength - offset)).bytesWritten;
      }
      sizeBytes += chunk.byteLength;
      unsyncedBytes += chunk.byteLength;
      if (unsyncedBytes < SYNC_EVERY_BYTES || syncing) continue;
      unsyncedBytes = 0;
      syncing = syncAhead();
    }
    await syncing;
    if (failure) throw failure.error;
    await handle.sync();
  } finally {
    await syncing;
    await handle.close();
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

/** Makes a rename or link durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
