import type { Clock } from '../core/clock.ts';
import { StructdbError } from '../core/errors.ts';
import { readObject, type Store } from '../storage/store.ts';
import { type BackupKind, encodeName, type LabelParts, parseLabel } from './label.ts';
import { type ClusterManifest, type DumpManifest, type Manifest, parseManifest } from './manifest.ts';
import { encodeJson, findRepositories, parseJson, type Repository } from './repository.ts';

/** One backup of a repository: it has a manifest, whether or not that can be read. */
export interface BackupEntry {
  readonly repository: Repository;
  readonly label: string;
  readonly parts: LabelParts;
}

/** Of which backups: those of one kind and, for dumps, one database. */
export interface Series {
  readonly kind: BackupKind;
  readonly database?: string | undefined;
}

/** The lease under which backups of a series are made and removed. Those of a cluster build on one another: they share one. */
export function leaseOf(series: Series): string {
  return series.kind === 'dump' ? `dump-${encodeName(series.database ?? '')}` : 'base';
}

/** The outcome of reading a backup again: an object of its own beside the manifest, which is never rewritten. */
export interface Verification {
  readonly at: string;
  readonly ok: boolean;
  readonly problems: readonly string[];
  /** `read` compared every object's SHA-256, `deep` also what is inside them; `drill` restored it. */
  readonly method: 'read' | 'deep' | 'drill';
}

/** Every backup of a repository, oldest first. What has no manifest is no backup. */
export async function listBackups(repository: Repository, series?: Series): Promise<BackupEntry[]> {
  const entries: BackupEntry[] = [];
  for (const label of await repository.store.folders(repository.keys.backups)) {
    const parts = parseLabel(label);
    if (!parts || (series && !isOf(series, parts))) continue;
    if (await repository.store.head(repository.keys.manifest(label))) entries.push({ repository, label, parts });
  }
  return entries;
}

/** The backup of that label in any repository of the store. @throws BACKUP_MISSING */
export async function findBackup(store: Store, label: string): Promise<BackupEntry> {
  const parts = parseLabel(label);
  for (const repository of parts ? await findRepositories(store) : []) {
    if (await store.head(repository.keys.manifest(label))) return { repository, label, parts: parts! };
  }
  const near = await nearestLabel(store, label);
  throw new StructdbError('BACKUP_MISSING', `${store.location} has no backup "${label}".`, {
    hint: near ? `Did you mean ${near}? All of them: structdb backup list` : 'See what there is: structdb backup list',
  });
}

/** The newest label that holds what was typed, or that begins alike: labels are long, and copied in parts. */
async function nearestLabel(store: Store, typed: string): Promise<string | undefined> {
  const labels: string[] = [];
  for (const repository of await findRepositories(store)) {
    for (const { label } of await listBackups(repository)) labels.push(label);
  }
  const newestFirst = labels.sort().reverse();
  // The time to the minute: enough to tell one backup of a day from another.
  const beginning = typed.slice(0, '20261124T0341'.length);
  return (
    newestFirst.find((label) => typed !== '' && label.includes(typed)) ??
    newestFirst.find((label) => beginning.length >= '20261124'.length && label.startsWith(beginning))
  );
}

/** @throws MANIFEST_UNREADABLE, OBJECT_MISSING */
export async function readManifest(entry: BackupEntry): Promise<Manifest> {
  const { store, keys } = entry.repository;
  const key = keys.manifest(entry.label);
  const manifest = parseManifest(await readObject(store, key), `${store.location}/${key}`);
  if (manifest.label === entry.label) return manifest;
  throw new StructdbError('MANIFEST_UNREADABLE', `${store.location}/${key} is the manifest of ${manifest.label}.`, {
    hint: 'Somebody moved it; use another backup (structdb backup list).',
  });
}

/** The manifest of a dump. @throws TARGET_UNSUITABLE for a base backup, and what `readManifest` throws */
export async function readDumpManifest(entry: BackupEntry): Promise<DumpManifest> {
  const manifest = await readManifest(entry);
  if (manifest.kind === 'dump') return manifest;
  throw new StructdbError('TARGET_UNSUITABLE', `${entry.label} is a backup of a cluster, not a dump of a database.`, {
    hint: `Restore it into a directory: structdb restore ${entry.label} --target <directory>`,
  });
}

/** The manifest of a base backup. @throws TARGET_UNSUITABLE for a dump, and what `readManifest` throws */
export async function readClusterManifest(entry: BackupEntry): Promise<ClusterManifest> {
  const manifest = await readManifest(entry);
  if (manifest.kind !== 'dump') return manifest;
  throw new StructdbError('TARGET_UNSUITABLE', `${entry.label} is a dump of a database, not a backup of a cluster.`, {
    hint: `Restore it into a database: structdb restore ${entry.label} --database <name>`,
  });
}

/** Publishes a backup: the last write of a run. Before it, there is no backup. */
export async function writeManifest(repository: Repository, manifest: Manifest): Promise<void> {
  const key = repository.keys.manifest(manifest.label);
  if (await repository.store.putIfAbsent(key, encodeJson(manifest))) return;
  throw new StructdbError('STORE_FAILED', `${repository.store.location}/${key} is there already.`, {
    hint: 'Another run writes the same label: run it again.',
  });
}

/** Labels of one series that have objects but no manifest: what killed runs left. Only under the series' lease. */
export async function listLeftovers(repository: Repository, series: Series): Promise<string[]> {
  const { store, keys } = repository;
  const labels = new Set(await store.folders(keys.backups));
  // In S3, an upload that was killed in its middle is no object: nothing else tells of it.
  for await (const { key } of store.leftovers?.(keys.backups) ?? []) {
    labels.add(key.slice(keys.backups.length).split('/')[0]!);
  }
  const leftovers: string[] = [];
  for (const label of labels) {
    const parts = parseLabel(label);
    if (!parts || !isOf(series, parts)) continue;
    if (!(await store.head(keys.manifest(label)))) leftovers.push(label);
  }
  return leftovers.sort();
}

/** Removes a backup: first the manifest, so that it is not listed half gone, then its objects. */
export async function removeBackup(repository: Repository, label: string): Promise<void> {
  const { store, keys } = repository;
  await store.delete(keys.manifest(label));
  const prefix = keys.backup(label);
  for await (const { key } of store.list(prefix)) await store.delete(key);
  await store.sweep(prefix);
}

/** Keeps what a verification found. */
export async function recordVerification(
  entry: BackupEntry,
  found: Omit<Verification, 'at'>,
  clock: Clock,
): Promise<Verification> {
  const at = clock.now();
  const record: Verification = { at: at.toISOString(), ...found };
  const { store, keys } = entry.repository;
  await store.putIfAbsent(keys.verification(entry.label, at), encodeJson(record));
  return record;
}

/** The last verification of a backup; undefined when it was never verified. */
export async function lastVerification(entry: BackupEntry): Promise<Verification | undefined> {
  const { store, keys } = entry.repository;
  let last: string | undefined;
  for await (const { key } of store.list(keys.verifications(entry.label))) last = key;
  return last === undefined ? undefined : (parseJson(await readObject(store, last)) as Verification | undefined);
}

function isOf(series: Series, parts: LabelParts): boolean {
  return series.kind === parts.kind && series.database === parts.database;
}
