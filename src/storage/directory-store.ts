import { createReadStream, type Dirent, type Stats } from 'node:fs';
import { open, readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import type { StoreConfig } from '../config/schema.ts';
import { codeOf, messageOf, StructdbError } from '../core/errors.ts';
import { makeFolder, type Ownership, writeDurably } from './durable-file.ts';
import type { Sealing } from './sealing.ts';
import {
  type ByteRange,
  NOTE_SUFFIX,
  type PutIfAbsentOptions,
  requireKey,
  type Store,
  type StoredObject,
  TEMPORARY_PREFIX,
  type Written,
} from './store.ts';

export interface DirectoryStoreOptions {
  /** Absolute; made at the first write. */
  readonly path: string;
  /** 2770/0660 instead of 0700/0600. */
  readonly groupAccess?: boolean;
  /** Effective user id of this process; undefined where the platform has none. */
  readonly uid: number | undefined;
  /** Who the store belongs to when it does not exist yet and root makes it; root itself by default. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  readonly sealing?: Sealing | undefined;
}

/**
 * A store in a directory. It has one owner, the owner of its root: structdb run as root works as that owner, another
 * user is refused with one line that names the owner. Imports nothing but Node, because `wal push` starts with it.
 */
export function openDirectoryStore(options: DirectoryStoreOptions): Store {
  return new DirectoryStore(options);
}

class DirectoryStore implements Store {
  readonly location: string;
  readonly settings: StoreConfig;
  readonly sealing: Sealing | undefined;
  readonly #options: DirectoryStoreOptions;

  constructor(options: DirectoryStoreOptions) {
    this.location = path.resolve(options.path);
    this.sealing = options.sealing;
    this.settings = {
      type: 'directory',
      path: this.location,
      groupAccess: options.groupAccess ?? false,
      encryption: options.sealing?.settings,
    };
    this.#options = Object.freeze({ ...options });
  }

  async put(key: string, body: AsyncIterable<Uint8Array>): Promise<Written> {
    const written = await this.#guard(`write ${key} to`, async () =>
      writeDurably(this.#fileOf(key), body, await this.#ready(), false),
    );
    return written!;
  }

  async putIfAbsent(key: string, body: Uint8Array, { plainSha256 }: PutIfAbsentOptions = {}): Promise<boolean> {
    return this.#guard(`write ${key} to`, async () => {
      const ownership = await this.#ready();
      const file = this.#fileOf(key);
      // The note first: an object that is there has one.
      if (plainSha256 !== undefined && !(await this.#note(file, plainSha256, ownership))) return false;
      return (await writeDurably(file, [body], ownership, true)) !== undefined;
    });
  }

  async plainSha256(key: string): Promise<string | undefined> {
    return this.#guard(`read ${key}${NOTE_SUFFIX} from`, () => readNote(this.#fileOf(key)));
  }

  /** False when another content is noted: by a writer that was killed between note and object, or that is at work now. */
  async #note(file: string, plainSha256: string, ownership: Ownership): Promise<boolean> {
    const written = await writeDurably(file + NOTE_SUFFIX, [Buffer.from(`${plainSha256}\n`)], ownership, true);
    return written !== undefined || (await readNote(file)) === plainSha256;
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    return this.#guard(`read ${key} from`, async () => {
      try {
        const handle = await open(this.#fileOf(key), 'r');
        return createReadStream('', { fd: handle, ...range, highWaterMark: 256 * 1024 });
      } catch (cause) {
        if (!isAbsence(cause)) throw cause;
        throw new StructdbError('OBJECT_MISSING', `${this.location} has no object ${key}.`, { cause });
      }
    });
  }

  async head(key: string): Promise<StoredObject | undefined> {
    return this.#guard(`look at ${key} in`, async () => {
      const found = await statOrAbsent(this.#fileOf(key));
      return found?.isFile() ? { key, sizeBytes: found.size, modifiedAt: found.mtime } : undefined;
    });
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    const keys: string[] = [];
    await this.#guard(`list ${prefix || 'everything'} in`, () => this.#collect(folder, prefix, keys));
    // Node's order of strings is by UTF-16 unit; keys are ASCII, so it is also S3's order by byte.
    for (const key of keys.sort()) {
      const found = await this.head(key);
      if (found) yield found;
    }
  }

  async folders(prefix: string): Promise<string[]> {
    const entries = await this.#guard(`list ${prefix || 'everything'} in`, () => this.#entries(prefix));
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  }

  async delete(key: string): Promise<void> {
    await this.#guard(`delete ${key} from`, async () => {
      const file = this.#fileOf(key);
      await this.#ownership();
      // The object first: there is never one without its note.
      await rm(file, { force: true });
      await rm(file + NOTE_SUFFIX, { force: true });
      await this.#removeEmptyFolders(path.dirname(file));
    });
  }

  async *leftovers(prefix: string): AsyncIterable<StoredObject> {
    const folder = path.join(this.location, prefix);
    const names = await this.#guard(`look for leftovers of ${prefix || 'anything'} in`, () =>
      readdir(folder, { recursive: true }).catch(emptyWhenAbsent),
    );
    for (const name of names.map(String)) {
      if (!path.basename(name).startsWith(TEMPORARY_PREFIX)) continue;
      const found = await statOrAbsent(path.join(folder, name));
      if (found) yield { key: `${prefix}${name}`, sizeBytes: found.size, modifiedAt: found.mtime };
    }
  }

  async sweep(prefix: string): Promise<number> {
    return this.#guard(`sweep ${prefix} in`, async () => {
      await this.#ownership();
      return this.#sweepFolder(path.join(this.location, prefix));
    });
  }

  async #sweepFolder(folder: string): Promise<number> {
    let removed = 0;
    const entries = await readdir(folder, { withFileTypes: true }).catch(emptyWhenAbsent);
    for (const entry of entries) {
      const full = path.join(folder, entry.name);
      if (entry.isDirectory()) removed += await this.#sweepFolder(full);
      else if (entry.name.startsWith(TEMPORARY_PREFIX)) {
        await rm(full, { force: true });
        removed += 1;
      }
    }
    await this.#removeEmptyFolders(folder);
    return removed;
  }

  async #collect(folder: string, prefix: string, keys: string[]): Promise<void> {
    for (const entry of await this.#entries(folder)) {
      const key = `${folder}${entry.name}`;
      if (entry.isDirectory()) {
        if (`${key}/`.startsWith(prefix) || prefix.startsWith(`${key}/`)) await this.#collect(`${key}/`, prefix, keys);
      } else if (entry.isFile() && key.startsWith(prefix)) {
        keys.push(key);
      }
    }
  }

  /** What a folder of the store holds, without temporary files and what is not structdb's to see (`lost+found` stays unread). */
  async #entries(folder: string): Promise<Dirent[]> {
    const entries = await readdir(path.join(this.location, folder), { withFileTypes: true }).catch(emptyWhenAbsent);
    if (entries.length === 0) this.#requireDirectory(await statOrAbsent(this.location));
    return entries.filter(({ name }) => !name.startsWith('.') && name !== 'lost+found' && !name.endsWith(NOTE_SUFFIX));
  }

  /** S3 has no folders: one that holds nothing any more goes, but never the root. */
  async #removeEmptyFolders(folder: string): Promise<void> {
    for (let current = folder; current.startsWith(`${this.location}${path.sep}`); current = path.dirname(current)) {
      const removed = await rmdir(current).then(
        () => true,
        () => false,
      );
      if (!removed) return;
    }
  }

  #fileOf(key: string): string {
    return path.join(this.location, ...requireKey(key).split('/'));
  }

  /** Before a write. What lies above the store is not the store's: it stays open and belongs to whoever made it. */
  async #ready(): Promise<Ownership> {
    const ownership = await this.#ownership();
    await makeFolder(path.dirname(this.location), { fileMode: 0o644, folderMode: 0o755, chownTo: undefined });
    return ownership;
  }

  /** Who new files belong to. @throws STORE_OWNER for a user who is neither the owner nor root. */
  async #ownership(): Promise<Ownership> {
    const { uid, groupAccess, owner } = this.#options;
    const modes = groupAccess ? { fileMode: 0o660, folderMode: 0o2770 } : { fileMode: 0o600, folderMode: 0o700 };
    const root = await statOrAbsent(this.location);
    this.#requireDirectory(root);
    if (uid === 0) {
      const owning = root ? { uid: root.uid, gid: root.gid } : owner;
      return { ...modes, chownTo: owning && owning.uid !== 0 ? owning : undefined };
    }
    if (root && uid !== undefined && root.uid !== uid && !groupAccess) throw await this.#foreign(root);
    return { ...modes, chownTo: undefined };
  }

  #requireDirectory(root: Stats | undefined): void {
    if (root === undefined || root.isDirectory()) return;
    throw new StructdbError('STORE_FAILED', `The store ${this.location} is a file, not a directory.`, {
      hint: 'Name a directory in the configuration, or move the file away.',
    });
  }

  async #foreign(root: Stats, cause?: unknown): Promise<StructdbError> {
    const { userNameOf } = await import('./user-name.ts');
    const name = await userNameOf(root.uid);
    return new StructdbError('STORE_OWNER', `The store ${this.location} belongs to user "${name}".`, {
      cause,
      hint: `Run structdb as "${name}" or as root: sudo -u ${name} structdb …  (for two users: groupAccess)`,
    });
  }

  /** Runs one operation and turns the system's errors into those of a store. */
  async #guard<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw await this.#translate(cause, doing);
    }
  }

  async #translate(cause: unknown, doing: string): Promise<unknown> {
    // What the body's source throws (a program, an interruption) is its own cause and passes through.
    if (cause instanceof StructdbError || (cause as NodeJS.ErrnoException | null)?.syscall === undefined) return cause;
    const code = codeOf(cause);
    const message = `Cannot ${doing} the store ${this.location}`;
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
      const why = { ENOSPC: 'the disk is full', EDQUOT: 'the disk quota is used up' }[code as 'ENOSPC' | 'EDQUOT'];
      return new StructdbError('DISK_FULL', `${message}: ${why ?? 'the limit of the file size is reached'}.`, {
        cause,
        hint: 'Free space there, or name another store; what was written of this object is removed again.',
      });
    }
    if (code === 'EACCES' || code === 'EPERM') {
      const root = await stat(this.location).catch(() => undefined);
      if (root && this.#options.uid !== undefined && root.uid !== this.#options.uid) return this.#foreign(root, cause);
    }
    return new StructdbError('STORE_FAILED', `${message}: ${messageOf(cause)}.`, {
      cause,
      hint: `Check the directory: ls -ld ${this.location}`,
    });
  }
}

/** ENOTDIR: a part of the key is a file, so the key itself cannot exist. */
function isAbsence(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';
}

async function statOrAbsent(file: string): Promise<Stats | undefined> {
  return stat(file).catch((error) => {
    if (isAbsence(error)) return undefined;
    throw error;
  });
}

async function readNote(file: string): Promise<string | undefined> {
  const text = await readFile(file + NOTE_SUFFIX, 'utf8').catch((error) => {
    if (isAbsence(error)) return undefined;
    throw error;
  });
  return text?.trim();
}

function emptyWhenAbsent(error: unknown): Dirent[] {
  if (isAbsence(error)) return [];
  throw error;
}
