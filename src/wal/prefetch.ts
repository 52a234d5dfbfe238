import { open, readdir, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { stopIfInterrupted } from '../core/context.ts';
import { processStart } from '../programs/process.ts';
import type { ArchiveSettings } from '../repository/archive-settings.ts';
import { openRepository, type Repository } from '../repository/repository.ts';
import { parseWalFileName, segmentName, segmentNumber, timelineNumber } from '../repository/wal-names.ts';
import type { Store } from '../storage/store.ts';
import { readVerified } from './fetch.ts';
import { holdFolder, touchFolder } from './held-folder.ts';
import { readWanted, removeAbandonedQueues, unfinished } from './prefetch-queue.ts';

export interface PrefetchOptions {
  readonly queueDirectory: string;
  /** Fetching begins behind this segment. */
  readonly after: string;
  readonly store: Store;
  readonly settings: ArchiveSettings;
  /** The server that recovers: when it is gone, everything goes. */
  readonly server?: { readonly pid: number; readonly start: string } | undefined;
  readonly signal: AbortSignal;
}

/** Segments that are read at the same time: the way to the store is long, unpacking is quick. */
const AT_ONCE = 3;
const TICK_MS = 15;
const TOUCH_MS = 2000;
/** Nothing was asked for so long: the recovery is over. A segment may take long to replay, but not that long. */
const IDLE_MS = 60_000;

/**
 * Keeps the next segments of one recovery ready in its queue, each of them verified and synced before it gets its name,
 * until the recovery is over. Then the queue is removed. What goes wrong here ends it: the recovery fetches by itself.
 */
export async function fetchAhead(options: PrefetchOptions): Promise<void> {
  const { queueDirectory, server, signal } = options;
  if (!(await holdFolder(queueDirectory))) return;
  // By this name `wal-fetch.sh` finds the queue of the server that runs it.
  const link = server && path.join(path.dirname(queueDirectory), `server-${server.pid}`);
  try {
    await removeAbandonedQueues(queueDirectory).catch(() => {});
    if (link) await rm(link, { force: true }).then(() => symlink(queueDirectory, link));
    await new Prefetcher(options).run();
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    if (link) await rm(link, { force: true });
    // A call may be telling at this moment what it wants.
    await rm(queueDirectory, { recursive: true, force: true, maxRetries: 5 });
  }
}

class Prefetcher {
  readonly #options: PrefetchOptions;
  readonly #repository: Repository;
  readonly #running = new Map<bigint, Promise<void>>();
  #timeline: number;
  /** The last segment that was asked for, by number. */
  #wanted: bigint;
  #next: bigint;
  /** The first segment that the archive does not have. */
  #end: bigint | undefined;
  #failure: unknown;

  constructor(options: PrefetchOptions) {
    this.#options = options;
    this.#repository = openRepository(options.store, options.settings.systemIdentifier);
    this.#timeline = timelineNumber(options.after);
    this.#wanted = segmentNumber(options.after, options.settings.segmentSizeBytes);
    this.#next = this.#wanted + 1n;
  }

  async run(): Promise<void> {
    let asked = Date.now();
    let touched = 0;
    while (Date.now() - asked < IDLE_MS) {
      stopIfInterrupted(this.#options);
      if (this.#failure !== undefined) throw this.#failure;
      if (await this.#follow()) asked = Date.now();
      if (Date.now() - touched > TOUCH_MS) {
        await touchFolder(this.#options.queueDirectory);
        touched = Date.now();
        if (await this.#isServerGone()) return;
      }
      if (this.#end !== undefined && this.#running.size === 0 && this.#wanted + 1n >= this.#end) return;
      this.#fill();
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
  }

  /** Looks which segment was asked for; true when it is another one than before. What lies behind it goes. */
  async #follow(): Promise<boolean> {
    const { queueDirectory, settings } = this.#options;
    const name = await readWanted(queueDirectory);
    if (name === undefined) return false;
    const [timeline, number] = [timelineNumber(name), segmentNumber(name, settings.segmentSizeBytes)];
    if (timeline === this.#timeline && number === this.#wanted) return false;
    if (timeline !== this.#timeline || number < this.#wanted || number >= this.#next) {
      this.#timeline = timeline;
      this.#next = number + 1n;
      this.#end = undefined;
    }
    this.#wanted = number;
    for (const file of await readdir(queueDirectory)) {
      if (/^[0-9A-F]{24}$/.test(file) && file < name) await rm(path.join(queueDirectory, file), { force: true });
    }
    return true;
  }

  #fill(): void {
    const last = this.#wanted + BigInt(this.#options.settings.prefetchSegments);
    while (this.#end === undefined && this.#next <= last && this.#running.size < AT_ONCE) {
      const number = this.#next;
      this.#next += 1n;
      const work = this.#fetch(number)
        .catch((error: unknown) => {
          this.#failure ??= error;
        })
        .finally(() => this.#running.delete(number));
      this.#running.set(number, work);
    }
  }

  async #fetch(number: bigint): Promise<void> {
    const { queueDirectory, settings } = this.#options;
    const name = segmentName(this.#timeline, number, settings.segmentSizeBytes);
    const temporary = unfinished(queueDirectory, name);
    // Made first: whoever wants it now waits for it.
    const handle = await open(temporary, 'w', 0o600);
    try {
      const content = await readVerified(this.#repository, parseWalFileName(name), settings);
      if (!content) {
        if (this.#end === undefined || number < this.#end) this.#end = number;
      } else {
        await handle.writeFile(content);
        await handle.sync();
        await rename(temporary, path.join(queueDirectory, name));
      }
    } finally {
      await handle.close();
      await rm(temporary, { force: true });
    }
  }

  async #isServerGone(): Promise<boolean> {
    const { server } = this.#options;
    return server !== undefined && (await processStart(server.pid)) !== server.start;
  }
}
