import { closeSync, openSync, readSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { stopIfInterrupted } from '../core/context.ts';
import { releaseBuffer } from '../core/streamed.ts';
import type { ArchiveSettings } from '../repository/archive-settings.ts';
import type { Store } from '../storage/store.ts';
import { holdFolder, isHeld, releaseFolder, touchFolder } from './held-folder.ts';
import { preparePush, storePrepared } from './push.ts';
import { isStill, Pushed } from './pushed.ts';

export interface PushAheadOptions {
  /** pg_wal, absolute. */
  readonly walDirectory: string;
  /** Is pushed by whoever starts this. */
  readonly after: string;
  readonly store: Store;
  readonly settings: ArchiveSettings;
  readonly signal: AbortSignal;
}

/** So many segments, at most, wait to be asked for: eight of the usual size. */
const AHEAD_BYTES = 128 * 1024 * 1024;
/**
 * Packed segments that are being stored while the next one is compressed: so many, and no more bytes than one segment has. One
 * is read and compressed at a time, by several threads, in a buffer that is used again; so memory stays below 128 MiB.
 */
const STORING = 3;
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
  const storing = new Set<Promise<void>>();
  const most = Math.max(1, Math.floor(AHEAD_BYTES / settings.segmentSizeBytes));
  let failure: unknown;
  let storingBytes = 0;
  const buffer = Buffer.alloc(settings.segmentSizeBytes);
  const start = async (name: string) => {
    done.add(name);
    const { packedBytes, finish } = await pushOne(name, buffer, options, pushed);
    storingBytes += packedBytes;
    const work: Promise<void> = finish()
      .catch((error: unknown) => {
        failure ??= error;
      })
      .finally(() => {
        storingBytes -= packedBytes;
        storing.delete(work);
      });
    storing.add(work);
  };
  try {
    await removeOld(pushed, walDirectory);
    let touched = Date.now();
    let changed = Date.now();
    for (let before = ''; Date.now() - changed < idleMs(before); ) {
      stopIfInterrupted({ signal });
      if (failure !== undefined) throw failure;
      if (Date.now() - touched > TOUCH_MS) {
        await touchFolder(pushed.directory);
        touched = Date.now();
      }
      const waiting = await waitingIn(walDirectory);
      const pushedNames = await removeAnswered(pushed, waiting);
      const next = waiting.find((name) => !done.has(name));
      const room =
        pushedNames.length + storing.size < most && storing.size < STORING && storingBytes < settings.segmentSizeBytes;
      const ready = room && next !== undefined && isStill(path.join(walDirectory, next));
      if (ready) await start(next);
      else await Promise.race([pause(), ...storing]);
      const now = pushedNames.join();
      if (storing.size > 0 || now !== before) changed = Date.now();
      before = now;
    }
  } finally {
    await Promise.all(storing);
    for (const name of (await readdir(pushed.directory)).filter(isSegment)) {
      await rm(pushed.secondName(name), { force: true });
    }
    await releaseFolder(pushed.directory);
  }
}

/** Reads and compresses a segment; `finish` stores and remembers it. */
async function pushOne(
  name: string,
  buffer: Buffer,
  { store, settings, walDirectory }: PushAheadOptions,
  pushed: Pushed,
): Promise<{ readonly packedBytes: number; readonly finish: () => Promise<void> }> {
  pushed.begin(name);
  try {
    const file = path.join(walDirectory, name);
    const readAt = Date.now();
    const content = readInto(buffer, file);
    const sizeBytes = content.length;
    const prepared = await preparePush(name, content, store, settings);
    const finish = async () => {
      try {
        await storePrepared(prepared);
        await pushed.remember(file, sizeBytes, prepared.sha256, readAt);
      } finally {
        // Outside of the heap, where the collector sees no hurry.
        if (prepared.packed) releaseBuffer(prepared.packed);
        await pushed.end(name);
      }
    };
    return { packedBytes: prepared.packed?.length ?? 0, finish };
  } catch (error) {
    await pushed.end(name);
    throw error;
  }
}

/**
 * The whole file, or as much of it as a segment may have: what is wrong with its size is found by whoever takes it. At once:
 * each wait for another thread takes longer than the reading where the processors are busy.
 */
function readInto(buffer: Buffer, file: string): Buffer {
  const handle = openSync(file, 'r');
  try {
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(handle, buffer, length, buffer.length - length, length);
    }
    return buffer.subarray(0, length);
  } finally {
    closeSync(handle);
  }
}

function idleMs(waiting: string): number {
  return waiting === '' ? IDLE_MS : UNASKED_MS;
}

/** What was pushed and still waits to be asked for. What waits no longer was answered, or archived in another way. */
async function removeAnswered(pushed: Pushed, waiting: readonly string[]): Promise<string[]> {
  const names = (await readdir(pushed.directory)).filter(isMarker).map((file) => file.slice(0, 24));
  const awaited = new Set(waiting);
  for (const name of names.filter((each) => !awaited.has(each))) await pushed.forget(name);
  return names.filter((name) => awaited.has(name));
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

function isMarker(name: string): boolean {
  return /^[0-9A-F]{24}\.json$/.test(name);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, TICK_MS));
}
