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

/** Written at once: each write wakes another thread, which for the pieces that come through a pipe costs more than the write. */
const BATCH_BYTES = 1024 * 1024;

/** Unpacks into a folder, hashing each file while it is written. */
export class Unpacker implements TarSink {
  readonly #to: Destination;
  readonly #made = new Set<string>();
  #open: OpenFile | undefined;
  /** The write that is under way; the next batch is gathered meanwhile. */
  #writing: Promise<void> = Promise.resolve();

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
    const handle = name === CONTROL_FILE ? undefined : await this.#create(full);
    this.#open = { name, full, hash, handle, sizeBytes: 0, pieces: [], gatheredBytes: 0, position: 0 };
  }

  data(bytes: Buffer): Promise<void> | undefined {
    const file = this.#open!;
    this.#to.onBytes(bytes.length);
    file.sizeBytes += bytes.length;
    file.pieces.push(bytes);
    file.gatheredBytes += bytes.length;
    file.hash.update(bytes);
    return file.handle && file.gatheredBytes >= BATCH_BYTES ? this.#flush(file) : undefined;
  }

  async close(): Promise<void> {
    const file = this.#open!;
    if (file.handle) {
      await this.#flush(file);
      await this.#writing;
      await file.handle.close();
    } else this.#to.heldBack.set(file.name, Buffer.concat(file.pieces));
    this.#open = undefined;
    this.#to.files.set(file.name, { sizeBytes: file.sizeBytes, checksum: file.hash.digest('hex') });
  }

  /** Lets go of a file that a failure left open. */
  async abandon(): Promise<void> {
    await this.#writing.catch(() => {});
    await this.#open?.handle?.close().catch(() => {});
  }

  /** Begins to write what was gathered, when the write before has ended. */
  async #flush(file: OpenFile): Promise<void> {
    await this.#writing;
    const { pieces, position } = file;
    file.position += file.gatheredBytes;
    file.pieces = [];
    file.gatheredBytes = 0;
    this.#writing = writeAll(file.handle!, pieces, position).catch((error: unknown) => {
      throw diskFullOr(error, file.full);
    });
    // Looked at by the next flush, or by close: until then a failure must not count as unhandled.
    this.#writing.catch(() => {});
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
  sizeBytes: number;
  /** Gathered, not yet written. */
  pieces: Buffer[];
  gatheredBytes: number;
  /** Where they begin in the file. */
  position: number;
}

async function writeAll(handle: FileHandle, pieces: readonly Buffer[], position: number): Promise<void> {
  if (pieces.length === 0) return;
  const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const { bytesWritten } = await handle.writev(pieces, position);
  // A full disk takes a part first; the rest then fails, or fits after all.
  if (bytesWritten < total)
    await writeRest(handle, Buffer.concat(pieces).subarray(bytesWritten), position + bytesWritten);
}

async function writeRest(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
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
