import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, StructdbError } from '../core/errors.ts';
import { formatLsn } from '../core/lsn.ts';
import type { ArchiveSettings } from '../repository/archive-settings.ts';
import { openRepository, type Repository } from '../repository/repository.ts';
import { findArchived, listPartials, readArchived, readWal } from '../repository/wal-archive.ts';
import {
  parseWalFileName,
  segmentName,
  segmentNumber,
  timelineNumber,
  type WalFileName,
} from '../repository/wal-names.ts';
import { faultOfSegment } from '../repository/wal-segment.ts';
import { syncFolder } from '../storage/durable-file.ts';
import { readObject, type Store } from '../storage/store.ts';
import { openQueue, type PrefetchStarter } from './prefetch-queue.ts';

export interface FetchOptions {
  /** restore_command's %f. */
  readonly name: string;
  /** restore_command's %p, absolute. */
  readonly target: string;
  readonly store: Store;
  readonly settings: ArchiveSettings;
  /** Starts the process that fetches ahead; without it nothing is fetched ahead. */
  readonly startPrefetch?: PrefetchStarter | undefined;
}

export interface FetchResult {
  readonly name: string;
  /** `absent`: the store says that it does not have it. `partial`: what `wal receive` had of the last segment. */
  readonly from: 'archive' | 'ahead' | 'partial' | 'absent';
  /** Where the WAL of a partial ends; the rest of the file is zero. */
  readonly endLsn: string | null;
}

/** Pauses before each new attempt. */
const RETRY_AFTER_MS = [200, 1000, 3000];

/**
 * Brings one WAL file to `target`, whole and durable: compared with the checksum that was noted when it was stored,
 * written under a temporary name, synced, renamed. "Absent" is returned only when the store said so; any other trouble
 * is thrown after some attempts, because PostgreSQL opens the database when it is told that there is no more WAL.
 * @throws WAL_INVALID, WAL_CORRUPT, STORE_FAILED, STORE_OWNER, KEY_MISSING, KEY_WRONG, FILE_UNREADABLE
 */
export async function fetchWalFile(options: Readonly<FetchOptions>): Promise<FetchResult> {
  const { name, target, store, settings, startPrefetch } = options;
  const wal = parseWalFileName(name, 'restore_command passes %f: the name of a file in pg_wal, without a path.');
  const queue = startPrefetch && (await openQueue(wal, target, store, settings));
  if (queue && (await queue.take(name, target))) {
    await queue.ask(name, startPrefetch);
    return result(name, 'ahead');
  }
  const repository = openRepository(store, settings.systemIdentifier);
  const found = await withRetries(() => find(repository, wal, settings));
  if (!found) return result(name, 'absent');
  if (queue && found.endLsn === undefined) await queue.ask(name, startPrefetch);
  await place(found.content, target);
  return result(name, found.endLsn === undefined ? 'archive' : 'partial', found.endLsn);
}

interface Found {
  readonly content: Buffer;
  readonly endLsn?: string;
}

/** undefined only when the repository is there and does not have the file. */
async function find(repository: Repository, wal: WalFileName, settings: ArchiveSettings): Promise<Found | undefined> {
  const content = await readVerified(repository, wal, settings);
  if (content) return { content };
  // A disk that is not mounted has no file either.
  await requireRepository(repository);
  return wal.kind === 'segment' ? atEndOfWal(repository, wal, settings) : undefined;
}

/**
 * The plain content of an archived file; for a segment its header was checked too.
 * @throws WAL_CORRUPT
 */
export async function readVerified(
  repository: Repository,
  wal: WalFileName,
  settings: Pick<ArchiveSettings, 'systemIdentifier' | 'segmentSizeBytes'>,
): Promise<Buffer | undefined> {
  const content = await readWal(repository, wal.name);
  if (content && wal.kind === 'segment') requireSegment(repository, wal, content, settings);
  return content;
}

function requireSegment(
  { store }: Repository,
  wal: WalFileName,
  content: Buffer,
  settings: Pick<ArchiveSettings, 'systemIdentifier' | 'segmentSizeBytes'>,
): void {
  const fault = faultOfSegment(wal, content, content.length, settings);
  if (!fault) return;
  throw new StructdbError('WAL_CORRUPT', `The WAL segment ${wal.name} in ${store.location} ${fault.what}.`, {
    hint: 'See what can still be reached: structdb wal verify',
  });
}

/**
 * What `wal receive` had of a segment, filled up with zeros: only at the end of WAL, where nothing follows on this
 * timeline. In the middle of WAL it would make replay stop, and what is behind it would be lost without a word.
 */
async function atEndOfWal(
  repository: Repository,
  wal: WalFileName,
  settings: ArchiveSettings,
): Promise<Found | undefined> {
  const partials = await listPartials(repository, wal.timeline);
  const newest = partials.findLast(({ name }) => name === wal.name);
  if (!newest || partials.some(({ name }) => name > wal.name)) return undefined;
  const { segmentSizeBytes } = settings;
  const following = segmentNumber(wal.name, segmentSizeBytes) + 1n;
  if (await findArchived(repository, segmentName(timelineNumber(wal.name), following, segmentSizeBytes)))
    return undefined;
  // The whole segment may have come meanwhile: then it counts.
  const whole = await readVerified(repository, wal, settings);
  if (whole) return { content: whole };
  const content = Buffer.alloc(segmentSizeBytes);
  (await readArchived(repository, newest)).copy(content);
  requireSegment(repository, wal, content, settings);
  return { content, endLsn: formatLsn(newest.lsn) };
}

async function requireRepository({ store, keys }: Repository): Promise<void> {
  const identity = await readObject(store, keys.identity).catch((error: unknown) => {
    if (error instanceof StructdbError && error.code === 'OBJECT_MISSING') return undefined;
    throw error;
  });
  if (identity) return;
  throw new StructdbError('STORE_FAILED', `${store.location} has no repository ${keys.root}: it may not be mounted.`, {
    hint: 'Mount the store, or name the right one in archive.json.',
  });
}

/** Writes the file so that PostgreSQL, or a crash, sees the whole of it or nothing. */
async function place(content: Buffer, target: string): Promise<void> {
  const temporary = `${target}.structdb`;
  try {
    const handle = await open(temporary, 'w', 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
    await syncFolder(path.dirname(target));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new StructdbError('FILE_UNREADABLE', `Cannot write ${target}: ${messageOf(cause)}.`, { cause });
  }
}

async function withRetries<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const pause = attempt < attemptsAfter(error) ? RETRY_AFTER_MS[attempt] : undefined;
      if (pause === undefined) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

/** A key stays wrong; a network or a disk may be better later; what cannot be read may have been cut on its way, once. */
function attemptsAfter(error: unknown): number {
  if (!(error instanceof StructdbError)) return RETRY_AFTER_MS.length;
  if (error.code === 'STORE_FAILED') return RETRY_AFTER_MS.length;
  return error.code === 'WAL_CORRUPT' || error.code === 'OBJECT_MISSING' ? 1 : 0;
}

function result(name: string, from: FetchResult['from'], endLsn: string | null = null): FetchResult {
  return Object.freeze({ name, from, endLsn });
}
