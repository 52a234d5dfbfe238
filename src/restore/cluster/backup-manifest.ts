import { createHash } from 'node:crypto';
import { StructdbError } from '../../core/errors.ts';
import { parseJson } from '../../repository/repository.ts';
import type { UnpackedFile } from './unpack.ts';

/** What PostgreSQL's own backup_manifest says (PostgreSQL manual, "Backup Manifest Format"). */
export interface BackupManifest {
  /** For createHash; undefined where the backup has none that Node knows (CRC32C, NONE): then sizes are compared. */
  readonly algorithm: string | undefined;
  readonly files: ReadonlyMap<string, { readonly sizeBytes: number; readonly checksum: string | undefined }>;
}

interface RawFile {
  readonly Path?: string;
  readonly 'Encoded-Path'?: string;
  readonly Size: number;
  readonly 'Checksum-Algorithm'?: string;
  readonly Checksum?: string;
}

const ALGORITHMS: Readonly<Record<string, string>> = {
  SHA224: 'sha224',
  SHA256: 'sha256',
  SHA384: 'sha384',
  SHA512: 'sha512',
};

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
  const named = new Set(parsed.Files.map((file) => file['Checksum-Algorithm'] ?? 'NONE'));
  const algorithm = named.size === 1 ? ALGORITHMS[[...named][0]!] : undefined;
  const files = new Map(
    parsed.Files.map((file) => {
      const name = file.Path ?? Buffer.from(file['Encoded-Path'] ?? '', 'hex').toString('utf8');
      const checksum = algorithm === undefined ? undefined : file.Checksum;
      return [name, { sizeBytes: file.Size, checksum }] as const;
    }),
  );
  return Object.freeze({ algorithm, files });
}

/** What is not listed: WAL, and the manifest itself. */
const UNLISTED = /^(pg_wal\/|backup_manifest$)/;

/** Compares every file that was unpacked with the manifest, both ways. @throws BACKUP_CORRUPT naming the first files */
export function compareWithManifest(
  manifest: BackupManifest,
  unpacked: ReadonlyMap<string, UnpackedFile>,
  label: string,
): void {
  const problems: string[] = [];
  for (const [name, expected] of manifest.files) {
    const file = unpacked.get(name);
    if (!file) problems.push(`${name} is missing`);
    else if (file.sizeBytes !== expected.sizeBytes) {
      problems.push(`${name} has ${file.sizeBytes} bytes instead of ${expected.sizeBytes}`);
    } else if (expected.checksum !== undefined && expected.checksum !== file.checksum) {
      problems.push(`${name} has another checksum`);
    }
  }
  for (const name of unpacked.keys()) {
    if (!manifest.files.has(name) && !UNLISTED.test(name)) problems.push(`${name} is not in its manifest`);
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
