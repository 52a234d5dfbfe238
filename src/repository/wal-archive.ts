import { createHash } from 'node:crypto';
import { messageOf, StructdbError } from '../core/errors.ts';
import { formatLsn, type Lsn, parseLsn } from '../core/lsn.ts';
import { countStreamed } from '../core/streamed.ts';
import { keyMissing, SEALED_SUFFIX } from '../storage/sealing.ts';
import { readObject, type Store, type StoredObject } from '../storage/store.ts';
import type { Repository } from './repository.ts';
import { type Ancestor, parseHistory } from './timeline.ts';
import { decompress } from './wal-frames.ts';
import { timelineName, tryWalFileName } from './wal-names.ts';

/** One object of the archive. */
export interface ArchivedFile {
  /** PostgreSQL's name of it. */
  readonly name: string;
  readonly key: string;
  /** As stored, compressed. */
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
}

/** What `wal receive` has of an open segment: the segment up to `lsn`. */
export interface ArchivedPartial extends ArchivedFile {
  readonly lsn: Lsn;
}

/** Everything that the archive holds, by names alone; nothing was read. */
export interface WalListing {
  /** Whole segments by name, in order of timeline and number. */
  readonly segments: ReadonlyMap<string, ArchivedFile>;
  /** Uploads of open segments, by segment name and then LSN. */
  readonly partials: readonly ArchivedPartial[];
  /** By name: `00000002.history`. */
  readonly histories: ReadonlyMap<string, ArchivedFile>;
  /** `.backup` files and PostgreSQL's own `.partial` files. */
  readonly others: readonly ArchivedFile[];
}

/** Lists the archive. */
export async function listWal({ store, keys }: Repository): Promise<WalListing> {
  const files: ArchivedFile[] = [];
  const partials: ArchivedPartial[] = [];
  for await (const object of store.list(keys.walRoot)) {
    const { key, sizeBytes, modifiedAt } = object;
    const partial = asPartial(object);
    const name = /\/[0-9A-F]{8}\/([^/]+?)\.zst(?:\.age)?$/.exec(key)?.[1];
    const wal = name === undefined ? undefined : tryWalFileName(name);
    if (partial) partials.push(partial);
    else if (wal) files.push({ name: wal.name, key, sizeBytes, modifiedAt });
  }
  const kindOf = (file: ArchivedFile) => tryWalFileName(file.name)!.kind;
  const byName = (kind: string) =>
    new Map(
      files
        .filter((file) => kindOf(file) === kind)
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map((file) => [file.name, file] as const),
    );
  return Object.freeze({
    segments: byName('segment'),
    histories: byName('history'),
    partials: partials.sort(byNameAndLsn),
    others: files.filter((file) => !['segment', 'history'].includes(kindOf(file))),
  });
}

/** One file of the archive by PostgreSQL's name of it; undefined when the store says that it is not there. */
export async function findArchived(repository: Repository, name: string): Promise<ArchivedFile | undefined> {
  for (const key of walKeys(repository, name)) {
    const found = await repository.store.head(key);
    if (found) return { ...found, name };
  }
  return undefined;
}

/** What `wal receive` uploaded of open segments of a timeline (eight hex digits), by segment name and then LSN. */
export async function listPartials({ store, keys }: Repository, timeline: string): Promise<ArchivedPartial[]> {
  const partials: ArchivedPartial[] = [];
  for await (const object of store.list(keys.wal(timeline, 'partial/'))) {
    const partial = asPartial(object);
    if (partial) partials.push(partial);
  }
  return partials.sort(byNameAndLsn);
}

function asPartial({ key, sizeBytes, modifiedAt }: StoredObject): ArchivedPartial | undefined {
  const match = /\/partial\/([0-9A-F]{24})\.([0-9A-F]{1,8}-[0-9A-F]{1,8})\.zst(?:\.age)?$/.exec(key);
  return match
    ? { name: match[1]!, key, sizeBytes, modifiedAt, lsn: parseLsn(match[2]!.replace('-', '/'))! }
    : undefined;
}

function byNameAndLsn(a: ArchivedPartial, b: ArchivedPartial): number {
  return a.name === b.name ? (a.lsn < b.lsn ? -1 : 1) : a.name < b.name ? -1 : 1;
}

/** The key of an upload of an open segment; LSNs have a slash, keys a dash. */
export function partialKey({ keys }: Repository, segment: string, lsn: Lsn, suffix: string): string {
  return keys.wal(segment.slice(0, 8), `partial/${segment}.${formatLsn(lsn).replace('/', '-')}${suffix}`);
}

/** Begins the keys of all uploads of one open segment. */
export function partialPrefix({ keys }: Pick<Repository, 'keys'>, segment: string): string {
  return keys.wal(segment.slice(0, 8), `partial/${segment}.`);
}

/**
 * The plain content of an archived file, compared with the checksum that was noted when it was stored.
 * @throws OBJECT_MISSING, WAL_CORRUPT
 */
export async function readArchived(repository: Repository, file: Pick<ArchivedFile, 'name' | 'key'>): Promise<Buffer> {
  const { store } = repository;
  const [stored, noted] = await Promise.all([readObject(store, file.key), store.plainSha256(file.key)]);
  let plain: Buffer;
  try {
    plain = decompress(file.key.endsWith('.age') ? await unseal(repository, stored) : stored);
  } catch (cause) {
    if (cause instanceof StructdbError && cause.code !== 'OBJECT_CORRUPT') throw cause;
    throw corrupt(repository, file.key, `it cannot be decompressed: ${messageOf(cause)}`);
  }
  // Several buffers of a segment's size, outside the heap: whoever reads many segments must not gather them.
  countStreamed(plain.length);
  const found = createHash('sha256').update(plain).digest('hex');
  if (noted !== undefined && noted !== found) {
    throw corrupt(repository, file.key, `its content has checksum ${found}, noted was ${noted}`);
  }
  return plain;
}

/** The ancestors of every timeline that has a history file, by timeline. @throws WAL_CORRUPT */
export async function readHistories(
  repository: Repository,
  listing: Pick<WalListing, 'histories'>,
): Promise<ReadonlyMap<number, readonly Ancestor[]>> {
  const histories = new Map<number, readonly Ancestor[]>();
  for (const file of listing.histories.values()) {
    const ancestors = parseHistory((await readArchived(repository, file)).toString('utf8'));
    if (!ancestors) throw corrupt(repository, file.key, 'it is no timeline history');
    histories.set(Number.parseInt(file.name, 16), ancestors);
  }
  return histories;
}

/** The key under which a WAL file is stored: it tells whether the store is encrypted. */
export function walKey({ keys, store }: Repository, name: string): string {
  return `${keys.wal(name.slice(0, 8), name)}${walSuffix(store)}`;
}

/** The ending of WAL objects in this store. */
export function walSuffix({ sealing }: Pick<Store, 'sealing'>): string {
  return sealing ? `.zst${SEALED_SUFFIX}` : '.zst';
}

/** Both keys that a WAL file may have, that of the store's present encryption first: it may have been switched on or off. */
export function walKeys({ keys, store }: Repository, name: string): readonly [string, string] {
  const plain = `${keys.wal(name.slice(0, 8), name)}.zst`;
  return store.sealing ? [plain + SEALED_SUFFIX, plain] : [plain, plain + SEALED_SUFFIX];
}

/** The plain content of a WAL file; undefined when the store says that it is not there. @throws WAL_CORRUPT, STORE_FAILED */
export async function readWal(repository: Repository, name: string): Promise<Buffer | undefined> {
  for (const key of walKeys(repository, name)) {
    const content = await unlessAbsent(readArchived(repository, { name, key }));
    if (content) return content;
  }
  return undefined;
}

async function unlessAbsent<T>(reading: Promise<T>): Promise<T | undefined> {
  return reading.catch((error: unknown) => {
    if (error instanceof StructdbError && error.code === 'OBJECT_MISSING') return undefined;
    throw error;
  });
}

async function unseal(repository: Repository, stored: Buffer): Promise<Buffer> {
  const { store } = repository;
  if (store.sealing) return store.sealing.unsealBuffer(stored);
  throw keyMissing(store.location, undefined);
}

function corrupt({ store }: Repository, key: string, why: string): StructdbError {
  return new StructdbError('WAL_CORRUPT', `${store.location}/${key} was altered: ${why}.`, {
    hint: 'See what can still be reached: structdb wal verify',
  });
}

/** How much WAL a repository holds. */
export interface WalArchive {
  /** Whole segments, of every timeline. */
  readonly segments: number;
  /** As stored, compressed. */
  readonly sizeBytes: number;
  /** Names of the first and the last segment in order of timeline and number; null when there is none. */
  readonly oldest: string | null;
  readonly newest: string | null;
}

/** Counts the archived segments. Reads names and sizes only. */
export async function measureWalArchive(repository: Repository): Promise<WalArchive> {
  const segments = [...(await listWal(repository)).segments.values()];
  const sizeBytes = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  return Object.freeze({
    segments: segments.length,
    sizeBytes,
    oldest: segments[0]?.name ?? null,
    newest: segments.at(-1)?.name ?? null,
  });
}

/** Also used by the window: the name of a timeline's history file. */
export function historyName(timeline: number): string {
  return `${timelineName(timeline)}.history`;
}
