import { closeSync, fchownSync, openSync, writeFileSync } from 'node:fs';
import { chown, mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '../../core/errors.ts';
import { release } from '../../core/streamed.ts';
import type { SystemUser } from '../../programs/run.ts';
import type { TarMember, TarSink } from './tar.ts';
import { diskFullOr, type PendingFile, WriteBehind } from './write-behind.ts';

/** Where the members of one archive go. */
export interface Destination {
  readonly directory: string;
  /** Put before each path for `files`: `pg_tblspc/16390/` for the archive of a tablespace. */
  readonly prefix: string;
  readonly user: SystemUser | undefined;
  /** Where the symbolic link of a tablespace leads now, by its OID. */
  readonly linkTarget: (oid: string) => string | undefined;
  /** Path → bytes that were unpacked, of all archives of a backup together: what backup_manifest is compared with. */
  readonly files: Map<string, number>;
  /** Contents that stay in memory until everything else is verified: path → bytes. */
  readonly heldBack: Map<string, Buffer>;
  readonly onBytes: (bytes: number) => void;
}

/** Without this file PostgreSQL cannot start: it is written last. */
export const CONTROL_FILE = 'global/pg_control';

/** Written at once: each write wakes another thread, which for small pieces costs more than the write. */
const BATCH_BYTES = 1024 * 1024;

/**
 * Unpacks into a folder. Large files are written behind its back: only after `finish` they are there. Files of one batch (of
 * a cluster almost all) are written here and now, four system calls each: to wait four times for another thread took longer.
 */
export class Unpacker implements TarSink {
  readonly #to: Destination;
  readonly #made = new Set<string>();
  readonly #writing: WriteBehind;
  #open: OpenFile | undefined;
  /** Pieces of the stream of which only the batch that is gathered now may hold a part. */
  #passed: Uint8Array[] = [];

  constructor(to: Destination) {
    this.#to = to;
    this.#writing = new WriteBehind(to.user);
  }

  async open(member: TarMember): Promise<void> {
    const full = path.join(this.#to.directory, member.path);
    if (member.kind === 'directory') return this.#makeFolder(full);
    await this.#makeFolder(path.dirname(full));
    if (member.kind === 'link') return this.#makeLink(full, member);
    const name = this.#to.prefix + member.path;
    const behind = name !== CONTROL_FILE && member.sizeBytes > BATCH_BYTES;
    const file = behind ? this.#writing.create(full) : undefined;
    this.#open = { name, full, file, sizeBytes: 0, batch: [], batchBytes: 0 };
  }

  data(bytes: Buffer): Promise<void> | undefined {
    const open = this.#open!;
    this.#to.onBytes(bytes.length);
    open.sizeBytes += bytes.length;
    open.batchBytes += bytes.length;
    open.batch.push(bytes);
    if (!open.file || open.batchBytes < BATCH_BYTES) return undefined;
    this.#flush(open);
    return this.#writing.room();
  }

  close(): Promise<void> {
    const open = this.#open!;
    this.#open = undefined;
    this.#to.files.set(open.name, open.sizeBytes);
    if (open.name === CONTROL_FILE) this.#to.heldBack.set(open.name, Buffer.concat(open.batch));
    else if (!open.file) this.#writeSmall(open);
    this.#flush(open);
    open.file?.end();
    return this.#writing.room();
  }

  passed(piece: Uint8Array): void {
    this.#passed.push(piece);
  }

  /** Returns when all files are written. */
  async finish(): Promise<void> {
    await this.#writing.drain();
  }

  /** Lets go of what a failure left open. */
  async abandon(): Promise<void> {
    this.#open?.file?.end();
    await this.#writing.abandon();
  }

  /** Gives the batch away, and the memory of the pieces before it back when nothing needs it any more. */
  #flush(open: OpenFile): void {
    if (open.batchBytes > 0) open.file?.write(open.batch);
    open.batch = [];
    open.batchBytes = 0;
    const passed = this.#passed;
    this.#passed = [];
    if (passed.length === 0) return;
    void this.#writing.settled().then(() => {
      for (const piece of passed) release(piece);
    });
  }

  #writeSmall({ full, batch }: OpenFile): void {
    const { user } = this.#to;
    try {
      const fd = openSync(full, 'wx', 0o600);
      try {
        if (user) fchownSync(fd, user.uid, user.gid);
        for (const bytes of batch) writeFileSync(fd, bytes);
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      throw diskFullOr(error, full);
    }
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
  /** undefined: held back, or written when it is whole. */
  readonly file: PendingFile | undefined;
  sizeBytes: number;
  /** Gathered, not yet given away. */
  batch: Buffer[];
  batchBytes: number;
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
