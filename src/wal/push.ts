import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { codeOf, messageOf, StructdbError } from '../core/errors.ts';
import type { ArchiveSettings } from '../repository/archive-settings.ts';
import { ensureRepository, type Repository } from '../repository/repository.ts';
import { compress, decompress } from '../repository/wal-frames.ts';
import { parseWalFileName } from '../repository/wal-names.ts';
import { checkSegment } from '../repository/wal-segment.ts';
import { readObject, type Store } from '../storage/store.ts';
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
 * Archives one WAL file. When it returns, this very file is durable in the store: written now, or compared byte by byte
 * with what was there. Nothing is ever overwritten.
 * @throws WAL_INVALID, WAL_FOREIGN, WAL_CONFLICT, REPOSITORY_MISMATCH, FILE_MISSING, FILE_UNREADABLE, STORE_FAILED,
 * STORE_OWNER, DISK_FULL
 */
export async function pushWalFile({ file, store, settings }: Readonly<PushOptions>): Promise<PushResult> {
  const wal = parseWalFileName(path.basename(file));
  const content = await readFile(file).catch((cause: unknown) => {
    const missing = codeOf(cause) === 'ENOENT';
    throw new StructdbError(
      missing ? 'FILE_MISSING' : 'FILE_UNREADABLE',
      missing ? `There is no file ${file}.` : `Cannot read ${file}: ${messageOf(cause)}.`,
      { cause, hint: 'archive_command passes %p, relative to the data directory.' },
    );
  });
  if (wal.kind === 'segment' || wal.kind === 'partial') checkSegment(wal, content, settings);
  const repository = await ofThisCluster(store, settings);
  const key = `${repository.keys.wal(wal.timeline, wal.name)}.zst`;
  const packing = compress(content);
  const sha256 = createHash('sha256').update(content).digest('hex');
  const written = await store.putIfAbsent(key, await packing, { plainSha256: sha256 });
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

/** Compared before every write: two clusters in one archive is how archives were lost. */
async function ofThisCluster(store: Store, settings: ArchiveSettings): Promise<Repository> {
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
  let found: string;
  try {
    found = createHash('sha256').update(decompress(stored)).digest('hex');
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
