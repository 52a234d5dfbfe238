import { createHash } from 'node:crypto';
import { StructdbError } from '../../core/errors.ts';
import { parseJson } from '../../repository/repository.ts';

/** What PostgreSQL's own backup_manifest says (PostgreSQL manual, "Backup Manifest Format"): path → bytes. */
export type BackupManifest = ReadonlyMap<string, number>;

interface RawFile {
  readonly Path?: string;
  readonly 'Encoded-Path'?: string;
  readonly Size: number;
}

/** @throws BACKUP_CORRUPT when it was cut or altered: its last line is the SHA-256 of all before it */
export function parseBackupManifest(bytes: Buffer, label: string): BackupManifest {
  const at = bytes.lastIndexOf('"Manifest-Checksum"');
  const parsed = parseJson(bytes) as { Files?: RawFile[]; 'Manifest-Checksum'?: string } | undefined;
  const found = createHash('sha256')
    .update(bytes.subarray(0, Math.max(at, 0)))
    .digest('hex');
  if (!parsed?.Files || found !== parsed['Manifest-Checksum']) {
    throw damaged(label, ['backup_manifest was altered: its own checksum differs']);
  }
  return new Map(
    parsed.Files.map((file) => [
      file.Path ?? Buffer.from(file['Encoded-Path'] ?? '', 'hex').toString('utf8'),
      file.Size,
    ]),
  );
}

/** What is not listed: WAL, and the manifest itself. */
const UNLISTED = /^(pg_wal\/|backup_manifest$)/;

/**
 * Compares which files were unpacked, and their sizes, with the manifest, both ways. Their contents are those of the archive,
 * whose own SHA-256 was compared while it was read: the checksums in backup_manifest are for pg_verifybackup, which drills
 * and `backup verify --deep` run.
 * @throws BACKUP_CORRUPT naming the first files
 */
export function compareWithManifest(
  manifest: BackupManifest,
  unpacked: ReadonlyMap<string, number>,
  label: string,
): void {
  const problems: string[] = [];
  for (const [name, expected] of manifest) {
    const sizeBytes = unpacked.get(name);
    if (sizeBytes === undefined) problems.push(`${name} is missing`);
    else if (sizeBytes !== expected) problems.push(`${name} has ${sizeBytes} bytes instead of ${expected}`);
  }
  for (const name of unpacked.keys()) {
    if (!manifest.has(name) && !UNLISTED.test(name)) problems.push(`${name} is not in its manifest`);
  }
  if (problems.length > 0) throw damaged(label, problems);
}

function damaged(label: string, problems: readonly string[]): StructdbError {
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return new StructdbError('BACKUP_CORRUPT', `Backup ${label} is damaged: ${problems[0]}${more}.`, {
    details: problems.slice(0, 20),
    hint: 'Use another backup: structdb backup list',
  });
}
