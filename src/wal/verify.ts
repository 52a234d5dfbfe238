import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import { messageOf, StructdbError } from '../core/errors.ts';
import { asStep } from '../core/progress.ts';
import { findRepositories, type Repository, readIdentity } from '../repository/repository.ts';
import { parseHistory } from '../repository/timeline.ts';
import {
  type ArchivedFile,
  type ArchivedPartial,
  historyName,
  listWal,
  readArchived,
  type WalListing,
} from '../repository/wal-archive.ts';
import { archivedTimelines, type WalHole } from '../repository/wal-holes.ts';
import { parseWalFileName, startOfSegment } from '../repository/wal-names.ts';
import { faultOfSegment } from '../repository/wal-segment.ts';
import type { Store } from '../storage/store.ts';

export interface VerifyWalOptions {
  readonly walStore: Store;
  /** Names only: holes and timelines, no content. */
  readonly quick?: boolean;
}

export interface WalProblem {
  /** The object, as the store knows it. */
  readonly key: string;
  readonly what: string;
}

export interface VerifiedArchive {
  readonly systemIdentifier: string;
  readonly files: number;
  /** As stored. */
  readonly sizeBytes: number;
  /** Files whose content was read and compared. */
  readonly read: number;
  /** Encrypted files that could not be read here, because no identity was given. */
  readonly unread: number;
  readonly holes: readonly WalHole[];
  readonly problems: readonly WalProblem[];
  readonly ok: boolean;
}

/**
 * Reads every file of the archive again: its checksum, its header, its timeline; and looks for holes. Needs no server.
 * @throws STORE_FAILED, INTERRUPTED
 */
export async function verifyWal(options: VerifyWalOptions, context: RunContext): Promise<VerifiedArchive[]> {
  const verified: VerifiedArchive[] = [];
  for (const repository of await findRepositories(options.walStore)) {
    const message = `Verifying the WAL of ${repository.systemIdentifier}`;
    verified.push(await asStep(context, 'wal.verify', message, () => verifyOne(repository, options, context)));
  }
  return verified;
}

async function verifyOne(
  repository: Repository,
  { quick = false }: VerifyWalOptions,
  context: RunContext,
): Promise<VerifiedArchive> {
  const { systemIdentifier } = repository;
  const identity = await readIdentity(repository);
  const listing = await listWal(repository);
  const files = [...listing.histories.values(), ...listing.segments.values(), ...listing.partials, ...listing.others];
  const problems: WalProblem[] = [];
  if (identity.systemIdentifier !== systemIdentifier) {
    problems.push({ key: repository.keys.identity, what: `is of the cluster ${identity.systemIdentifier}` });
  }
  problems.push(...withoutHistory(repository, listing));
  let [read, unread] = [0, 0];
  for (const file of quick ? [] : files) {
    stopIfInterrupted(context);
    const what = await faultOf(repository, file, { systemIdentifier, segmentSizeBytes: identity.walSegmentBytes });
    if (what === 'unreadable') unread += 1;
    else read += 1;
    if (what !== undefined && what !== 'unreadable') problems.push({ key: file.key, what });
    context.report({ kind: 'progress', step: 'wal.verify', done: read + unread, total: files.length, unit: 'items' });
  }
  const holes = archivedTimelines(listing, identity.walSegmentBytes).flatMap((timeline) => timeline.holes);
  return Object.freeze({
    systemIdentifier,
    files: files.length,
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    read,
    unread,
    holes,
    problems,
    ok: problems.length === 0 && holes.length === 0,
  });
}

/** A timeline without its history cannot be reached: replay does not know where it begins. */
function withoutHistory({ keys }: Repository, listing: WalListing): WalProblem[] {
  const timelines = new Set([...listing.segments.keys()].map((name) => name.slice(0, 8)));
  return [...timelines]
    .map((timeline) => Number.parseInt(timeline, 16))
    .filter((timeline) => timeline > 1 && !listing.histories.has(historyName(timeline)))
    .map((timeline) => {
      const name = historyName(timeline);
      return {
        key: `${keys.wal(name.slice(0, 8), name)}.zst`,
        what: `is missing, and timeline ${timeline} has segments`,
      };
    });
}

/** What is wrong with the content of a file; `unreadable` without the key to it. */
async function faultOf(
  repository: Repository,
  file: ArchivedFile | ArchivedPartial,
  owner: { readonly systemIdentifier: string; readonly segmentSizeBytes: number },
): Promise<string | undefined> {
  let content: Buffer;
  try {
    content = await readArchived(repository, file);
  } catch (error) {
    const code = error instanceof StructdbError ? error.code : undefined;
    if (code === 'KEY_MISSING') return 'unreadable';
    if (code === 'OBJECT_MISSING') return wasReplaced(repository, file);
    if (code === 'WAL_CORRUPT' || code === 'KEY_WRONG') return messageOf(error);
    throw error;
  }
  const wal = parseWalFileName(file.name);
  if ('lsn' in file) {
    const sizeBytes = Number(file.lsn - startOfSegment(file.name, owner.segmentSizeBytes));
    if (content.length !== sizeBytes) return `holds ${content.length} bytes, its name says ${sizeBytes}`;
    return faultOfSegment(wal, content, owner.segmentSizeBytes, owner)?.what;
  }
  if (wal.kind === 'segment' || wal.kind === 'partial') {
    return faultOfSegment(wal, content, content.length, owner)?.what;
  }
  if (wal.kind === 'history' && !parseHistory(content.toString('utf8'))) return 'is no timeline history';
  return undefined;
}

/** An upload of an open segment makes way for a later one while this runs; anything else may not. */
function wasReplaced({ keys }: Repository, file: ArchivedFile | ArchivedPartial): string | undefined {
  return 'lsn' in file || !file.key.startsWith(keys.walRoot) ? undefined : 'was removed while it was verified';
}
