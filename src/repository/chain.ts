import { StructdbError } from '../core/errors.ts';
import { type BackupEntry, readClusterManifest } from './backups.ts';
import { parseLabel } from './label.ts';
import type { ClusterManifest } from './manifest.ts';

/** One backup of a chain. */
export interface ChainLink {
  readonly entry: BackupEntry;
  readonly manifest: ClusterManifest;
}

/**
 * What a backup of a cluster is restored from: the full one first, then each increment, itself last. A base backup is a
 * chain of one.
 * @throws BACKUP_CORRUPT when a link is missing or does not fit; MANIFEST_UNREADABLE, TARGET_UNSUITABLE for a dump
 */
export async function chainOf(entry: BackupEntry): Promise<readonly ChainLink[]> {
  const chain: ChainLink[] = [{ entry, manifest: await readClusterManifest(entry) }];
  for (let first = chain[0]!.manifest; first.parent !== null; first = chain[0]!.manifest) {
    const parent = await parentOf(entry.repository, first, entry.label);
    if (parent.manifest.timeline !== first.timeline) {
      throw broken(
        entry.label,
        `${first.label} is on timeline ${first.timeline}, its parent ${parent.entry.label} on ${parent.manifest.timeline}`,
      );
    }
    chain.unshift(parent);
  }
  return Object.freeze(chain);
}

async function parentOf(
  repository: BackupEntry['repository'],
  child: ClusterManifest,
  wanted: string,
): Promise<ChainLink> {
  const label = child.parent!;
  const parts = parseLabel(label);
  // A parent is older than its child, so a chain ends.
  if (!parts || label >= child.label) throw broken(wanted, `the parent of ${child.label} cannot be ${label}`);
  if (!(await repository.store.head(repository.keys.manifest(label)))) {
    throw broken(wanted, `${label}, the parent of ${child.label}, is not in the store`);
  }
  const entry: BackupEntry = { repository, label, parts };
  return { entry, manifest: await readClusterManifest(entry) };
}

/**
 * The labels among `kept` and everything that they need: a backup may go only when it is not among them. `parents` maps
 * each label to its parent's, null for a full backup.
 */
export function withAncestors(kept: Iterable<string>, parents: ReadonlyMap<string, string | null>): Set<string> {
  const needed = new Set<string>();
  for (const label of kept) {
    for (let current: string | null = label; current !== null && !needed.has(current); ) {
      needed.add(current);
      current = parents.get(current) ?? null;
    }
  }
  return needed;
}

function broken(label: string, why: string): StructdbError {
  return new StructdbError('BACKUP_CORRUPT', `${label} cannot be put together: ${why}.`, {
    hint: 'Use another backup: structdb backup list',
  });
}
