import { createHash, type Hash } from 'node:crypto';
import { chown, type FileHandle, mkdir, open, symlink } from 'node:fs/promises';
import path from 'node:path';
import { codeOf, StructdbError } from '../../core/errors.ts';
import type { SystemUser } from '../../programs/run.ts';
import type { TarMember, TarSink } from './tar.ts';

/** A file as it was unpacked: what backup_manifest is compared with. */
export interface UnpackedFile {
  readonly sizeBytes: number;
  /** Lower-case hex, by the algorithm that the backup's manifest names. */
  readonly checksum: string;
}

/** Where the members of one archive go. */
export interface Destination {
  readonly directory: string;
  /** Put before each path for `files`: `pg_tblspc/16390/` for the archive of a tablespace. */
  readonly prefix: string;
  readonly user: SystemUser | undefined;
  /** Where the symbolic link of a tablespace leads now, by its OID. */
  readonly linkTarget: (oid: string) => string | undefined;
  readonly algorithm: string;
  /** Path → what was unpacked, of all archives of a backup together. */
  readonly files: Map<string, UnpackedFile>;
  /** Contents that stay in memory until everything else is verified: path → bytes. */
  readonly heldBack: Map<string, Buffer>;
  readonly onBytes: (bytes: number) => void;
}

/** Without this file PostgreSQL cannot start: it is written last. */
export const CONTROL_FILE = 'global/pg_control';

/** Bytes on their way to the disk at once. */
const IN_FLIGHT_BYTES = 4 * 1024 * 1024;

/** Unpacks into a folder, hashing each file while it is written. */
export class Unpacker implements TarSink {
  readonly #to: Destination;
  readonly #made = new Set<string>();
  #open: OpenFile | undefined;
  #inFlight = 0;
  #writes: Promise<void>[] = [];

  constructor(to: Destination) {
    this.#to = to;
  }

  async open(member: TarMember): Promise<void> {
    const full = path.join(this.#to.directory, member.path);
    if (member.kind === 'directory') return this.#makeFolder(full);
    await this.#makeFolder(path.dirname(full));
    if (member.kind === 'link') return this.#makeLink(full, member);
    const name = this.#to.prefix + member.path;
    const hash = createHash(this.#to.algorithm);
    if (name === CONTROL_FILE) this.#open = { name, full, hash, position: 0, held: [], handle: undefined };
    else this.#open = { name, full, hash, position: 0, held: [], handle: await this.#create(full) };
  }

  data(bytes: Buffer): Promise<void> | undefined {
    const file = this.#open!;
    this.#to.onBytes(bytes.length);
    if (file.handle) this.#write(file.handle, bytes, file);
    else file.held.push(Buffer.from(bytes));
    file.position += bytes.length;
    // While the write is under way in another thread.
    file.hash.update(bytes);
    return this.#inFlight > IN_FLIGHT_BYTES ? this.#settle() : undefined;
  }

  async close(): Promise<void> {
    const file = this.#open!;
    this.#open = undefined;
    if (file.handle) {
      try {
        await this.#settle();
      } finally {
        await file.handle.close();
      }
    } else this.#to.heldBack.set(file.name, Buffer.concat(file.held));
    this.#to.files.set(file.name, { sizeBytes: file.position, checksum: file.hash.digest('hex') });
  }

  /** Lets go of a file that a failure left open. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.#writes);
    await this.#open?.handle?.close().catch(() => {});
  }

  #write(handle: FileHandle, bytes: Buffer, file: OpenFile): void {
    this.#inFlight += bytes.length;
    const writing = writeAll(handle, bytes, file.position)
      .finally(() => {
        this.#inFlight -= bytes.length;
      })
      .catch((error: unknown) => {
        throw diskFullOr(error, file.full);
      });
    // Looked at in #settle; until then a failure must not count as unhandled.
    writing.catch(() => {});
    this.#writes.push(writing);
  }

  async #settle(): Promise<void> {
    const writes = this.#writes;
    this.#writes = [];
    await Promise.all(writes);
  }

  async #create(full: string): Promise<FileHandle> {
    const handle = await open(full, 'wx', 0o600).catch((error: unknown) => {
      throw diskFullOr(error, full);
    });
    if (this.#to.user) await handle.chown(this.#to.user.uid, this.#to.user.gid);
    return handle;
  }

  async #makeFolder(folder: string): Promise<void> {
    if (folder === this.#to.directory || this.#made.has(folder)) return;
    await this.#makeFolder(path.dirname(folder));
    await makeOwnFolder(folder, this.#to.user);
    this.#made.add(folder);
  }

  async #makeLink(full: string, member: TarMember): Promise<void> {
    const oid = /^pg_tblspc\/(\d+)$/.exec(this.#to.prefix + member.path)?.[1];
    // pg_wal may be a link at the source; here it is an ordinary folder.
    if (oid === undefined) return this.#makeFolder(full);
    await symlink(this.#to.linkTarget(oid) ?? member.linkTarget, full);
  }
}

interface OpenFile {
  readonly name: string;
  readonly full: string;
  readonly hash: Hash;
  /** undefined: held back. */
  readonly handle: FileHandle | undefined;
  readonly held: Buffer[];
  position: number;
}

async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

/** Makes a folder 0700 for the server's user; one that is there is fine. */
export async function makeOwnFolder(folder: string, user: SystemUser | undefined): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    throw diskFullOr(error, folder);
  }
  if (user) await chown(folder, user.uid, user.gid);
}

/** The system's complaint about space as one of structdb's. */
export function diskFullOr(error: unknown, file: string): unknown {
  const code = codeOf(error);
  if (code !== 'ENOSPC' && code !== 'EDQUOT' && code !== 'EFBIG') return error;
  return new StructdbError('DISK_FULL', `Cannot restore to ${file}: the disk is full.`, {
    cause: error,
    hint: 'Free space there or name another directory; what was restored so far is removed.',
  });
}
