import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { codeOf, messageOf, StructdbError } from '../core/errors.ts';
import type { ArchiveSettings } from '../repository/archive-settings.ts';
import { ensureRepository, openRepository, type Repository } from '../repository/repository.ts';
import { walKeys } from '../repository/wal-archive.ts';
import { compress, decompressEach } from '../repository/wal-frames.ts';
import { parseWalFileName, type WalFileName } from '../repository/wal-names.ts';
import { checkSegment } from '../repository/wal-segment.ts';
import { SEALED_SUFFIX } from '../storage/sealing.ts';
import { readObject, type Store } from '../storage/store.ts';
import { Pushed } from './pushed.ts';
import { trimArchive } from './trim.ts';

export interface PushOptions {
  /** The file in pg_wal, absolute: archive_command's %p. */
  readonly file: string;
  readonly store: Store;
  readonly settings: ArchiveSettings;
}

export interface PushResult {
  readonly name: string;
  /** Of the plain file, 64 lower-case hex digits. */
  readonly sha256: string;
  /** False when the archive held exactly this file already. */
  readonly written: boolean;
  /** Old segments that made way. */
  readonly trimmed: number;
  /** Why trimming did not work; the file itself is durable all the same. */
  readonly warning: string | null;
}

/**
 * Archives one WAL file. When it returns, this very file is durable in the store: written now, or its bytes compared
 * with what is there, or with what was made durable a moment ago (`pushAhead`). Nothing is ever overwritten.
 * @throws WAL_INVALID, WAL_FOREIGN, WAL_CONFLICT, REPOSITORY_MISMATCH, FILE_MISSING, FILE_UNREADABLE, STORE_FAILED,
 * STORE_OWNER, DISK_FULL
 */
export async function pushWalFile({ file, store, settings }: Readonly<PushOptions>): Promise<PushResult> {
  const { name } = parseWalFileName(path.basename(file), 'archive_command passes %p: the path of a file in pg_wal.');
  const before = await new Pushed(settings).has(file).catch(() => undefined);
  if (before) return Object.freeze({ name, sha256: before.sha256, written: false, trimmed: 0, warning: null });
  return pushContent(name, await readWalFile(file), store, settings);
}

/** Archives the content of one WAL file. The same as `pushWalFile`, for whoever has read it. */
export async function pushContent(
  name: string,
  content: Buffer,
  store: Store,
  settings: PushSettings,
): Promise<PushResult> {
  return storePrepared(await preparePush(name, content, store, settings));
}

type PushSettings = Pick<ArchiveSettings, 'systemIdentifier' | 'segmentSizeBytes' | 'major' | 'trimLimitBytes'>;

/** What is about to be stored; the plain content is needed no more. */
export interface PreparedPush {
  readonly wal: WalFileName;
  readonly repository: Repository;
  readonly settings: PushSettings;
  /** Under which it is to be stored, or is there already. */
  readonly key: string;
  /** Compressed, and encrypted where the store is; undefined: the key is taken. */
  readonly packed: Buffer | undefined;
  /** Of the plain content. */
  readonly sha256: string;
}

/** Looks at the content and at the archive, and compresses. @throws WAL_INVALID, WAL_FOREIGN, REPOSITORY_MISMATCH, STORE_FAILED */
export async function preparePush(
  name: string,
  content: Buffer,
  store: Store,
  settings: PushSettings,
): Promise<PreparedPush> {
  const wal = parseWalFileName(name);
  if (wal.kind === 'segment' || wal.kind === 'partial') checkSegment(wal, content, settings);
  // Looked at first: what is there need not be compressed. Encryption may have been switched on or off since: the same
  // file must not be there twice with two contents.
  const keys = walKeys(openRepository(store, settings.systemIdentifier), wal.name);
  const [repository, ...found] = await Promise.all([
    ofThisCluster(store, settings),
    ...keys.map((key) => store.head(key)),
  ]);
  const there = keys.find((_, index) => found[index] !== undefined);
  // Its threads work while this one computes the checksum.
  const packing = there === undefined ? pack(content, store) : undefined;
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { wal, repository, settings, key: there ?? keys[0], packed: await packing, sha256 };
}

/** Makes it durable, or compares it with what is there. @throws WAL_CONFLICT, STORE_FAILED, DISK_FULL */
export async function storePrepared(prepared: PreparedPush): Promise<PushResult> {
  const { wal, repository, settings, key, packed, sha256 } = prepared;
  const written = packed !== undefined && (await repository.store.putIfAbsent(key, packed, { plainSha256: sha256 }));
  if (!written) await compare(repository, key, sha256);
  const trim = await trimArchive(repository, wal, settings).catch((error: unknown) => messageOf(error));
  return Object.freeze({
    name: wal.name,
    sha256,
    written,
    trimmed: typeof trim === 'number' ? trim : 0,
    warning: typeof trim === 'number' ? null : `Old WAL could not be trimmed: ${trim}`,
  });
}

/** @throws FILE_MISSING, FILE_UNREADABLE */
export async function readWalFile(file: string): Promise<Buffer> {
  return readFile(file).catch((cause: unknown) => {
    const missing = codeOf(cause) === 'ENOENT';
    throw new StructdbError(
      missing ? 'FILE_MISSING' : 'FILE_UNREADABLE',
      missing ? `There is no file ${file}.` : `Cannot read ${file}: ${messageOf(cause)}.`,
      { cause, hint: 'archive_command passes %p, relative to the data directory.' },
    );
  });
}

/** Compressed, and encrypted where the store is. */
async function pack(content: Buffer, { sealing }: Store): Promise<Buffer> {
  const packed = await compress(content);
  return sealing ? sealing.sealBuffer(packed) : packed;
}

/** Compared before every write: two clusters in one archive is how archives were lost. */
async function ofThisCluster(
  store: Store,
  settings: Pick<ArchiveSettings, 'systemIdentifier' | 'segmentSizeBytes' | 'major'>,
): Promise<Repository> {
  const { systemIdentifier, major, segmentSizeBytes } = settings;
  return ensureRepository(store, { systemIdentifier, postgresMajor: major, walSegmentBytes: segmentSizeBytes });
}

/** @throws WAL_CONFLICT unless the archive holds exactly this content */
async function compare({ store }: Repository, key: string, sha256: string): Promise<void> {
  // From a push that was killed between the two, or one that runs now; of this very file in either case.
  const noted = await store.plainSha256(key);
  if (noted !== undefined && noted !== sha256) {
    throw conflict(store, key, `its checksum there is ${noted}, that of the file is ${sha256}`);
  }
  const stored = await readObject(store, key);
  const sealed = key.endsWith(SEALED_SUFFIX);
  // A host that archives need not be able to decrypt: then the checksum that was noted beside the object decides.
  if (sealed && !store.sealing?.canUnseal && noted === sha256) return;
  let found: string;
  try {
    const packed = sealed ? await store.sealing!.unsealBuffer(stored) : stored;
    const hash = createHash('sha256');
    for (const frame of decompressEach(packed)) hash.update(frame);
    found = hash.digest('hex');
  } catch (cause) {
    throw conflict(store, key, `what is there cannot be read: ${messageOf(cause)}`, cause);
  }
  if (found !== sha256) throw conflict(store, key, `its content there has checksum ${found}, the file has ${sha256}`);
}

function conflict(store: Store, key: string, why: string, cause?: unknown): StructdbError {
  return new StructdbError('WAL_CONFLICT', `${store.location} has ${key} already, with another content: ${why}.`, {
    cause,
    hint: 'Two servers archive into one place, or the object was altered. Look before you move it away; nothing was overwritten.',
  });
}
