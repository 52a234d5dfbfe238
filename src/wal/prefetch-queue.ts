import { createHash } from 'node:crypto';
import { copyFile, lstat, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '../core/errors.ts';
import { type ArchiveSettings, NEAR, prefetchDirectory } from '../repository/archive-settings.ts';
import type { WalFileName } from '../repository/wal-names.ts';
import { syncFolder } from '../storage/durable-file.ts';
import type { Store } from '../storage/store.ts';
import { isHeld, LIVES_MS } from './held-folder.ts';

/** Starts a process that runs `fetchAhead` on this queue, from behind that segment on. */
export type PrefetchStarter = (queueDirectory: string, after: string) => void;

/** Segments that were fetched ahead for one recovery, and the process that fetches them. */
export interface PrefetchQueue {
  /** Moves a segment that was fetched ahead to `target`, waiting for one that is being fetched. False: it is not there. */
  take(name: string, target: string): Promise<boolean>;
  /** Tells the process which segment was asked for last, and starts it when there is none. */
  ask(name: string, start: PrefetchStarter): Promise<void>;
}

const WAIT_MS = 10_000;
const WANTED = 'wanted';

/**
 * The queue of the recovery that wants `target`; undefined where nothing may be fetched ahead: for other files than
 * segments, and for pg_rewind, which asks for single old segments under their own names (wal-g #904, spilo #495).
 */
export async function openQueue(
  wal: WalFileName,
  target: string,
  store: Store,
  settings: ArchiveSettings,
): Promise<PrefetchQueue | undefined> {
  if (wal.kind !== 'segment' || settings.prefetchSegments === 0 || path.basename(target) === wal.name) return undefined;
  try {
    const directory = path.join(prefetchDirectory(settings), await recoveryOf(target, store, settings));
    return new Queue(directory, path.dirname(target));
  } catch {
    // Without a folder for it recovery works the same, slower.
    return undefined;
  }
}

/** Another data directory, store or cluster is another recovery: what is left of one is never used by the other. */
async function recoveryOf(target: string, store: Store, settings: ArchiveSettings): Promise<string> {
  const folder = await stat(path.dirname(target), { bigint: true });
  const parts = [
    path.dirname(target),
    folder.dev,
    folder.ino,
    folder.birthtimeNs,
    store.location,
    settings.systemIdentifier,
  ];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16);
}

class Queue implements PrefetchQueue {
  readonly #directory: string;
  readonly #walDirectory: string;

  constructor(directory: string, walDirectory: string) {
    this.#directory = directory;
    this.#walDirectory = walDirectory;
  }

  async take(name: string, target: string): Promise<boolean> {
    if (!(await isHeld(this.#directory))) return false;
    const deadline = Date.now() + WAIT_MS;
    do {
      if (await moveTo(path.join(this.#directory, name), target)) return true;
      if (!(await exists(unfinished(this.#directory, name)))) return moveTo(path.join(this.#directory, name), target);
      await new Promise((resolve) => setTimeout(resolve, 4));
    } while (Date.now() < deadline);
    return false;
  }

  async ask(name: string, start: PrefetchStarter): Promise<void> {
    try {
      const held = await isHeld(this.#directory);
      if (!held) {
        await rm(this.#directory, { recursive: true, force: true });
        await mkdir(this.#directory, { recursive: true, mode: 0o700 });
        const [here, there] = await Promise.all([this.#directory, this.#walDirectory].map((each) => stat(each)));
        if (here!.dev === there!.dev) await writeFile(path.join(this.#directory, NEAR), '');
      }
      await writeFile(path.join(this.#directory, WANTED), name);
      if (!held) start(this.#directory, name);
    } catch {
      // As above: fetching ahead only saves time.
    }
  }
}

/** Where a segment is written before it is whole. */
export function unfinished(directory: string, name: string): string {
  return path.join(directory, `.${name}`);
}

/** The segment that was asked for last; undefined while it is being written. */
export async function readWanted(directory: string): Promise<string | undefined> {
  const text = await readFile(path.join(directory, WANTED), 'utf8').catch(() => '');
  return /^[0-9A-F]{24}$/.test(text) ? text : undefined;
}

/** Removes the queues beside this one whose process is gone. */
export async function removeAbandonedQueues(directory: string): Promise<void> {
  const parent = path.dirname(directory);
  for (const name of await readdir(parent)) {
    const other = path.join(parent, name);
    if (other === directory || (await isHeld(other))) continue;
    if ((await lstat(other)).isSymbolicLink()) {
      await rm(other, { force: true });
      continue;
    }
    // Somebody may be starting it right now.
    if (Date.now() - (await stat(other)).mtimeMs > LIVES_MS) await rm(other, { recursive: true, force: true });
  }
}

/** Moves a whole file; copied where the two are on different disks. False when there is none. */
async function moveTo(file: string, target: string): Promise<boolean> {
  try {
    await rename(file, target);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    if (codeOf(error) !== 'EXDEV') throw error;
    if (!(await copyTo(file, target))) return false;
  }
  await syncFolder(path.dirname(target));
  return true;
}

async function copyTo(file: string, target: string): Promise<boolean> {
  const temporary = `${target}.structdb`;
  try {
    await copyFile(file, temporary);
    const handle = await open(temporary, 'r+');
    await handle.sync().finally(() => handle.close());
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
  await rm(file, { force: true });
  return true;
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
