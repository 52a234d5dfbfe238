import { createWriteStream } from 'node:fs';
import { mkdir, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { RunContext } from '../core/context.ts';
import { interrupted } from '../core/context.ts';
import { codeOf, StructdbError } from '../core/errors.ts';
import { formatBytes } from '../core/units.ts';
import { abandonedDirectories, temporaryRoot, withOwnDirectory } from '../programs/own-directory.ts';
import type { BackupEntry } from '../repository/backups.ts';
import type { DumpManifest, ManifestPart } from '../repository/manifest.ts';
import { findPart, plainName, readPart } from '../repository/parts.ts';

/** What pg_restore reads of a dump: one object, or those of a folder (directory format). */
export interface DumpObjects {
  /** `dump.pgdump` or `dump`. */
  readonly name: string;
  readonly parts: readonly ManifestPart[];
  readonly sizeBytes: number;
}

export function dumpObjects(manifest: DumpManifest): DumpObjects {
  const single = findPart(manifest.parts, 'dump.pgdump');
  const parts = single ? [single] : manifest.parts.filter((part) => plainName(part).startsWith('dump/'));
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  return { name: single ? 'dump.pgdump' : 'dump', parts, sizeBytes };
}

/** Room for the private copy that pg_restore reads. @throws DISK_FULL */
export async function requireRoom(entry: BackupEntry, manifest: DumpManifest): Promise<void> {
  const { name, sizeBytes } = dumpObjects(manifest);
  const { bavail, bsize } = await statfs(temporaryRoot());
  if (bavail * bsize >= sizeBytes) return;
  throw new StructdbError(
    'DISK_FULL',
    `Cannot fetch ${name} of ${entry.label}: it has ${formatBytes(sizeBytes)}, and ${temporaryRoot()} has ${formatBytes(bavail * bsize)} left.`,
    { hint: `Free space there, or name another folder: STRUCTDB_SCRATCH=<folder>. Nothing was touched.` },
  );
}

/**
 * Every object of the backup with the size that the manifest names. Cheap: nothing is read.
 * @throws BACKUP_CORRUPT naming each missing or cut object
 */
export async function requireWholeParts(entry: BackupEntry, manifest: DumpManifest): Promise<void> {
  const { store, keys } = entry.repository;
  const problems: string[] = [];
  for (const part of manifest.parts) {
    const found = await store.head(keys.part(entry.label, part.name));
    if (!found) problems.push(`${part.name} is missing`);
    else if (found.sizeBytes !== part.sizeBytes)
      problems.push(`${part.name} has ${found.sizeBytes} bytes instead of ${part.sizeBytes}`);
  }
  if (problems.length > 0) throw corrupt(entry, problems);
}

/**
 * Copies a dump into a private file (a folder in directory format), decrypted, while comparing its SHA-256, and gives that
 * to `work`: what is restored is exactly what was compared, on any store, and pg_restore can seek in it. It is gone
 * afterwards.
 * @throws BACKUP_CORRUPT, KEY_MISSING, KEY_WRONG, DISK_FULL
 */
export async function withFetchedDump<T>(
  entry: BackupEntry,
  dump: DumpObjects,
  step: string,
  context: RunContext,
  work: (fileOrFolder: string) => Promise<T>,
): Promise<T> {
  // A killed restore leaves a copy of the dump behind: too large and too private to stay.
  for (const abandoned of await abandonedDirectories('fetch')) {
    await rm(abandoned, { recursive: true, force: true }).catch(() => {});
  }
  return withOwnDirectory('fetch', 0o700, async (directory) => {
    const report = progressOf(dump.sizeBytes, step, context);
    await mkdir(path.join(directory, 'dump'), { mode: 0o700 });
    const waiting = [...dump.parts];
    const fetches = Array.from({ length: FETCHES }, async () => {
      for (let part = waiting.shift(); part; part = waiting.shift()) {
        await fetchInto(path.join(directory, plainName(part)), entry, part, report, context);
      }
    });
    // All of them: nothing may still be written when the directory goes.
    const failed = (await Promise.allSettled(fetches)).find((fetch) => fetch.status === 'rejected');
    if (failed) throw failed.reason;
    return work(path.join(directory, dump.name));
  });
}

/** Objects that are fetched at the same time: a request to S3 takes longer than most objects of a folder last. */
const FETCHES = 4;
const REPORT_EVERY = 8 * 1024 * 1024;

function progressOf(total: number, step: string, context: RunContext): (bytes: number) => void {
  let done = 0;
  let reported = 0;
  return (bytes) => {
    done += bytes;
    if (done - reported < REPORT_EVERY) return;
    reported = done;
    context.report({ kind: 'progress', step, done, total, unit: 'bytes' });
  };
}

async function fetchInto(
  file: string,
  entry: BackupEntry,
  part: ManifestPart,
  report: (bytes: number) => void,
  context: RunContext,
): Promise<void> {
  try {
    const source = readPart(entry, part, report);
    await pipeline(source, createWriteStream(file, { mode: 0o600 }), { signal: context.signal });
  } catch (error) {
    if (context.signal.aborted) throw interrupted();
    if (error instanceof StructdbError && error.code === 'OBJECT_MISSING')
      throw corrupt(entry, [`${part.name} is missing`]);
    if (['ENOSPC', 'EDQUOT', 'EFBIG'].includes(codeOf(error) ?? '')) {
      throw new StructdbError(
        'DISK_FULL',
        `Cannot fetch ${part.name} of ${entry.label} to ${file}: the disk is full.`,
        {
          cause: error,
          hint: `${part.sizeBytes} bytes are needed there for the time of the restore.`,
        },
      );
    }
    throw error;
  }
}

function corrupt(entry: BackupEntry, problems: readonly string[]): StructdbError {
  const where = `${entry.repository.store.location}/${entry.repository.keys.backup(entry.label)}`;
  return new StructdbError('BACKUP_CORRUPT', `Backup ${entry.label} is damaged: ${problems.join('; ')}.`, {
    hint: `Nothing was touched. Use another backup: structdb backup list   (looked in ${where})`,
  });
}
