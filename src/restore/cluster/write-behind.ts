import { type FileHandle, open } from 'node:fs/promises';
import { codeOf, StructdbError } from '../../core/errors.ts';
import type { SystemUser } from '../../programs/run.ts';

/** What may wait to be written, over all files. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;
/** The disk begins to write while the rest is unpacked: 1.5 GB were unpacked and durable after 1.2 s instead of 1.7. */
const SYNC_EVERY_BYTES = 16 * 1024 * 1024;

/**
 * Writes files in the background, so that whoever unpacks goes on meanwhile. Nothing here is durable before the file system
 * is synced; the first failure stops everything behind it and is thrown by `room` and `drain`.
 */
export class WriteBehind {
  readonly #user: SystemUser | undefined;
  /** None of them ever fails: a failure is kept. */
  readonly #tasks = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  #waitingBytes = 0;

  constructor(user: SystemUser | undefined) {
    this.#user = user;
  }

  /** A new file, readable by its owner only. That it cannot be created shows in `room` and `drain`. */
  create(full: string): PendingFile {
    return new PendingFile(this, full, this.#user);
  }

  /** Returns when more may be given to it. */
  async room(): Promise<void> {
    while (this.#waitingBytes > MOST_WAITING_BYTES) {
      this.#throwFailure();
      await Promise.race(this.#tasks);
    }
    this.#throwFailure();
  }

  /** Returns when everything was written and every file that ended is closed. */
  async drain(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
    this.#throwFailure();
  }

  /** Writes nothing more; returns when nothing is under way. */
  async abandon(): Promise<void> {
    this.#failure ??= { error: new Error('abandoned') };
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  /** Settles when all that is under way now has ended. */
  settled(): Promise<unknown> {
    return Promise.all(this.#tasks);
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** @internal Of a PendingFile. */
  follow(full: string, work: Promise<unknown>, bytes = 0): Promise<void> {
    this.#waitingBytes += bytes;
    const task: Promise<void> = work
      .catch((error: unknown) => {
        this.#failure ??= { error: diskFullOr(error, full) };
      })
      .then(() => {
        this.#waitingBytes -= bytes;
        this.#tasks.delete(task);
      });
    this.#tasks.add(task);
    return task;
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}

/** A file of a WriteBehind. */
export class PendingFile {
  readonly #queue: WriteBehind;
  readonly #full: string;
  #handle: FileHandle | undefined;
  /** What was asked of this file is done in order. */
  #last: Promise<void>;
  #position = 0;
  #unsyncedBytes = 0;
  #syncing: Promise<void> | undefined;

  constructor(queue: WriteBehind, full: string, user: SystemUser | undefined) {
    this.#queue = queue;
    this.#full = full;
    this.#last = queue.follow(full, this.#create(user));
  }

  /** Appends. The bytes must stay as they are until they are written. */
  write(pieces: readonly Uint8Array[]): void {
    const bytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
    const position = this.#position;
    this.#position += bytes;
    this.#then(async (handle) => {
      await writeAll(handle, pieces, bytes, position);
      this.#unsyncedBytes += bytes;
      if (this.#unsyncedBytes >= SYNC_EVERY_BYTES && !this.#syncing) this.#sync(handle);
    }, bytes);
  }

  /** No more comes. */
  end(): void {
    const before = this.#last;
    const closing = async () => {
      await before;
      await this.#syncing;
      await this.#handle?.close();
    };
    void this.#queue.follow(this.#full, closing());
  }

  #then(work: (handle: FileHandle) => Promise<void>, bytes: number): void {
    const before = this.#last;
    const next = async () => {
      await before;
      if (this.#handle && !this.#queue.failed) await work(this.#handle);
    };
    this.#last = this.#queue.follow(this.#full, next(), bytes);
  }

  async #create(user: SystemUser | undefined): Promise<void> {
    this.#handle = await open(this.#full, 'wx', 0o600);
    if (user) await this.#handle.chown(user.uid, user.gid);
  }

  #sync(handle: FileHandle): void {
    this.#unsyncedBytes = 0;
    this.#syncing = this.#queue.follow(this.#full, handle.datasync()).then(() => {
      this.#syncing = undefined;
    });
  }
}

async function writeAll(
  handle: FileHandle,
  pieces: readonly Uint8Array[],
  total: number,
  position: number,
): Promise<void> {
  const { bytesWritten } = await handle.writev(pieces, position);
  if (bytesWritten === total) return;
  // A full disk takes a part first; the rest then fails, or fits after all.
  const rest = Buffer.concat(pieces).subarray(bytesWritten);
  for (let done = 0; done < rest.length; ) {
    done += (await handle.write(rest, done, rest.length - done, position + bytesWritten + done)).bytesWritten;
  }
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
