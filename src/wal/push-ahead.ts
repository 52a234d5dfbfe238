import { open, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { stopIfInterrupted } from '../core/context.ts';
import type { ArchiveSettings } from '../repository/archive-settings.ts';
import type { Store } from '../storage/store.ts';
import { holdFolder, isHeld, releaseFolder, touchFolder } from './held-folder.ts';
import { pushContent } from './push.ts';
import { Pushed } from './pushed.ts';

export interface PushAheadOptions {
  /** pg_wal, absolute. */
  readonly walDirectory: string;
  /** Just pushed by whoever starts this. */
  readonly after: string;
  readonly store: Store;
  readonly settings: ArchiveSettings;
  readonly signal: AbortSignal;
}

/** So many segments, at most, wait to be asked for: 128 MiB of copies with segments of the usual size. */
const AHEAD_BYTES = 128 * 1024 * 1024;
/** One segment of the usual size at a time: its frames are compressed by several threads, and memory stays below 128 MiB. */
const AT_ONCE_BYTES = 16 * 1024 * 1024;
const TICK_MS = 10;
const TOUCH_MS = 2000;
/** Ends when nothing was there to do for so long, */
const IDLE_MS = 2000;
/** or when PostgreSQL has not asked for what is ready: it was stopped, or archives in another way now. */
const UNASKED_MS = 30_000;

/** Whether a segment other than this one waits, and nobody works ahead already. */
export async function mayPushAhead(file: string, settings: ArchiveSettings): Promise<boolean> {
  const waiting = await waitingIn(path.dirname(file));
  return waiting.some((name) => name > path.basename(file)) && !(await isHeld(new Pushed(settings).directory));
}

/**
 * Pushes segments that wait (`.ready`) before PostgreSQL asks for them, in its order, and remembers each, so that its
 * call is answered at once. Ends when nothing waits. The first failure ends it too: PostgreSQL's own call meets the same
 * trouble and reports it.
 */
export async function pushAhead(options: PushAheadOptions): Promise<void> {
  const { settings, signal, walDirectory } = options;
  const pushed = new Pushed(settings);
  await pushed.ensure();
  if (!(await holdFolder(pushed.directory))) return;
  const done = new Set([options.after]);
  const running = new Set<Promise<void>>();
  const most = (bytes: number) => Math.max(1, Math.floor(bytes / settings.segmentSizeBytes));
  let failure: unknown;
  // Read into again and again: what the collector has not freed yet would count as well.
  const buffers: Buffer[] = [];
  const start = (name: string) => {
    done.add(name);
    const buffer = buffers.pop() ?? Buffer.alloc(settings.segmentSizeBytes);
    const work: Promise<void> = pushOne(name, buffer, options, pushed)
      .catch((error: unknown) => {
        failure ??= error;
      })
      .finally(() => {
        buffers.push(buffer);
        // Compressed bytes are outside of the heap, where the collector sees no hurry (started with --expose-gc).
        globalThis.gc?.();
        running.delete(work);
      });
    running.add(work);
  };
  try {
    await removeOld(pushed, walDirectory);
    let touched = Date.now();
    let changed = Date.now();
    for (let before = ''; Date.now() - changed < idleMs(before); await pause()) {
      stopIfInterrupted({ signal });
      if (failure !== undefined) throw failure;
      if (Date.now() - touched > TOUCH_MS) {
        await touchFolder(pushed.directory);
        touched = Date.now();
      }
      const waiting = await waitingIn(walDirectory);
      const copies = await removeAnswered(pushed, waiting);
      const room = Math.min(most(AHEAD_BYTES) - copies.length, most(AT_ONCE_BYTES)) - running.size;
      for (const name of waiting.filter((each) => !done.has(each)).slice(0, Math.max(0, room))) start(name);
      const now = copies.join();
      if (running.size > 0 || now !== before) changed = Date.now();
      before = now;
    }
  } finally {
    await Promise.all(running);
    for (const name of (await readdir(pushed.directory)).filter(isSegment))
      await rm(pushed.copy(name), { force: true });
    await releaseFolder(pushed.directory);
  }
}

async function pushOne(
  name: string,
  buffer: Buffer,
  { store, settings, walDirectory }: PushAheadOptions,
  pushed: Pushed,
): Promise<void> {
  await pushed.begin(name);
  try {
    const content = await readInto(buffer, path.join(walDirectory, name));
    const { sha256 } = await pushContent(name, content, store, settings);
    await pushed.remember(name, content, sha256);
  } finally {
    await pushed.end(name);
  }
}

/** The whole file, or as much of it as a segment may have: what is wrong with its size is found by whoever takes it. */
async function readInto(buffer: Buffer, file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = (await handle.read(buffer, length, buffer.length - length, length)).bytesRead;
    }
    return buffer.subarray(0, length);
  } finally {
    await handle.close();
  }
}

function idleMs(copies: string): number {
  return copies === '' ? IDLE_MS : UNASKED_MS;
}

/** The copies that still wait to be asked for. One that waits no longer was archived in another way: it makes room. */
async function removeAnswered(pushed: Pushed, waiting: readonly string[]): Promise<string[]> {
  const copies = (await readdir(pushed.directory)).filter(isSegment);
  const awaited = new Set(waiting);
  for (const name of copies.filter((each) => !awaited.has(each))) await pushed.forget(name);
  return copies.filter((name) => awaited.has(name));
}

/** What an earlier one left of files that no longer wait. */
async function removeOld(pushed: Pushed, walDirectory: string): Promise<void> {
  const waiting = new Set(await waitingIn(walDirectory));
  for (const file of await readdir(pushed.directory)) {
    if (isSegment(file.slice(0, 24)) && !waiting.has(file.slice(0, 24))) {
      await rm(path.join(pushed.directory, file), { force: true });
    }
  }
}

/** Segments that PostgreSQL wants archived, oldest first, as its archiver takes them. */
async function waitingIn(walDirectory: string): Promise<string[]> {
  const names = await readdir(path.join(walDirectory, 'archive_status')).catch((): string[] => []);
  return names
    .filter((name) => name.endsWith('.ready'))
    .map((name) => name.slice(0, -'.ready'.length))
    .filter(isSegment)
    .sort();
}

function isSegment(name: string): boolean {
  return /^[0-9A-F]{24}$/.test(name);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, TICK_MS));
}
