import { messageOf, StructdbError } from '../core/errors.ts';
import {
  type BackupEntry,
  findBackup,
  lastVerification,
  listBackups,
  readManifest,
  type Verification,
} from '../repository/backups.ts';
import type { BackupKind } from '../repository/label.ts';
import type { Manifest } from '../repository/manifest.ts';
import { type Pin, readPin } from '../repository/pins.ts';
import { findRepositories } from '../repository/repository.ts';
import type { Store } from '../storage/store.ts';
import { sizeOf } from './verify.ts';

export interface ListedBackup {
  readonly label: string;
  readonly systemIdentifier: string;
  readonly kind: BackupKind;
  readonly database: string | null;
  readonly at: string;
  readonly tiers: readonly string[];
  readonly purpose: string | null;
  readonly sizeBytes: number | null;
  /** What an increment is relative to. */
  readonly parent: string | null;
  /** Of what a backup of a cluster restores. */
  readonly plainBytes: number | null;
  readonly rows: number | null;
  /** The last verification; null when there was none. */
  readonly verification: Verification | null;
  /** Who wants it to stay whatever its age; null when nobody does. */
  readonly pin: Pin | null;
  /** Why the manifest cannot be read. */
  readonly problem: string | null;
}

/** Whether a store has a backup of that label. */
export async function holdsBackup(store: Store, label: string): Promise<boolean> {
  return findBackup(store, label).then(
    () => true,
    (error) => {
      if (error instanceof StructdbError && error.code === 'BACKUP_MISSING') return false;
      throw error;
    },
  );
}

/** Every backup of a store, oldest first. Needs no server: lists are wanted most when it is gone. */
export async function listStore(options: { readonly store: Store }): Promise<ListedBackup[]> {
  const rows: ListedBackup[] = [];
  for (const repository of await findRepositories(options.store)) {
    for (const entry of await listBackups(repository)) rows.push(await describe(entry));
  }
  return rows.sort((a, b) => (a.label < b.label ? -1 : 1));
}

/** The whole manifest of one backup with its last verification. @throws BACKUP_MISSING, MANIFEST_UNREADABLE */
export async function showBackup(options: {
  readonly store: Store;
  readonly label: string;
}): Promise<{ readonly manifest: Manifest; readonly verification: Verification | null; readonly pin: Pin | null }> {
  const entry = await findBackup(options.store, options.label);
  return {
    manifest: await readManifest(entry),
    verification: (await lastVerification(entry)) ?? null,
    pin: (await readPin(entry)) ?? null,
  };
}

async function describe(entry: BackupEntry): Promise<ListedBackup> {
  const { manifest, problem } = await readManifest(entry).then(
    (found) => ({ manifest: found, problem: null }),
    (error) => {
      if (!(error instanceof StructdbError) || error.code !== 'MANIFEST_UNREADABLE') throw error;
      return { manifest: undefined, problem: messageOf(error) };
    },
  );
  return {
    label: entry.label,
    systemIdentifier: entry.repository.systemIdentifier,
    kind: entry.parts.kind,
    database: entry.parts.database ?? null,
    at: entry.parts.at.toISOString(),
    tiers: manifest?.tiers ?? [],
    purpose: manifest?.purpose ?? null,
    sizeBytes: manifest ? sizeOf(manifest) : null,
    parent: manifest && manifest.kind !== 'dump' ? manifest.parent : null,
    plainBytes: manifest && manifest.kind !== 'dump' ? manifest.plainBytes : null,
    rows: manifest?.kind === 'dump' ? manifest.tables.reduce((sum, table) => sum + table.rows, 0) : null,
    verification: (await lastVerification(entry)) ?? null,
    pin: (await readPin(entry)) ?? null,
    problem,
  };
}
