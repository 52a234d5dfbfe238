import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RunContext } from '../core/context.ts';
import { interrupted } from '../core/context.ts';
import { codeOf, StructdbError } from '../core/errors.ts';
import { formatBytes } from '../core/units.ts';
import { abandonedDirectories, TEMPORARY_ROOT, withOwnDirectory } from '../programs/own-directory.ts';
import type { BackupEntry } from '../repository/backups.ts';
import type { DumpManifest, ManifestPart } from '../repository/manifest.ts';

/** The object of a dump that pg_restore reads. */
export function dumpPart(manifest: DumpManifest): ManifestPart {
  return manifest.parts.find(({ name }) => name === 'dump.pgdump') ?? manifest.parts[0]!;
}

/** Room for the private copy that pg_restore reads. @throws DISK_FULL */
export async function requireRoom(entry: BackupEntry, manifest: DumpManifest): Promise<void> {
  const { name, sizeBytes } = dumpPart(manifest);
  const { bavail, bsize } = await statfs(TEMPORARY_ROOT);
  if (bavail * bsize >= sizeBytes) return;
  throw new StructdbError(
    'DISK_FULL',
    `Cannot fetch ${name} of ${entry.label}: it has ${formatBytes(sizeBytes)}, and ${TEMPORARY_ROOT} has ${formatBytes(bavail * bsize)} left.`,
    { hint: `Free space in ${TEMPORARY_ROOT}; nothing was touched.` },
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
 * Copies one object into a private file while comparing its SHA-256, and gives that file to `work`: what is restored is
 * exactly what was compared, on any store, and pg_restore can seek in it. The file is gone afterwards.
 * @throws BACKUP_CORRUPT
 */
export async function withFetchedPart<T>(
  entry: BackupEntry,
  part: ManifestPart,
  step: string,
  context: RunContext,
  work: (file: string) => Promise<T>,
): Promise<T> {
  // A killed restore leaves a copy of the dump behind: too large and too private to stay.
  for (const abandoned of await abandonedDirectories('fetch')) {
    await rm(abandoned, { recursive: true, force: true }).catch(() => {});
  }
  return withOwnDirectory('fetch', 0o700, async (directory) => {
    const file = path.join(directory, 'part');
    await fetchInto(file, entry, part, step, context);
    return work(file);
  });
}

async function fetchInto(
  file: string,
  entry: BackupEntry,
  part: ManifestPart,
  step: string,
  context: RunContext,
): Promise<void> {
  const { store, keys } = entry.repository;
  const hash = createHash('sha256');
  let done = 0;
  let reported = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      hash.update(chunk);
      done += chunk.length;
      if (done - reported >= 8 * 1024 * 1024) {
        reported = done;
        context.report({ kind: 'progress', step, done, total: part.sizeBytes, unit: 'bytes' });
      }
      callback(null, chunk);
    },
  });
  try {
    const source = await store.get(keys.part(entry.label, part.name));
    await pipeline(source, measure, createWriteStream(file, { mode: 0o600 }), { signal: context.signal });
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
  if (hash.digest('hex') !== part.sha256) throw corrupt(entry, [`${part.name} was altered: its SHA-256 differs`]);
}

function corrupt(entry: BackupEntry, problems: readonly string[]): StructdbError {
  const where = `${entry.repository.store.location}/${entry.repository.keys.backup(entry.label)}`;
  return new StructdbError('BACKUP_CORRUPT', `Backup ${entry.label} is damaged: ${problems.join('; ')}.`, {
    hint: `Nothing was touched. Use another backup: structdb backup list   (looked in ${where})`,
  });
}
