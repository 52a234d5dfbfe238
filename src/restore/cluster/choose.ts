import { StructdbError } from '../../core/errors.ts';
import { findBackup, readClusterManifest } from '../../repository/backups.ts';
import { type ClusterBackup, listClusterBackups } from '../../repository/recovery-window.ts';
import { findRepositories } from '../../repository/repository.ts';
import { LATEST } from '../choose.ts';
import type { ClusterRestoreOptions } from './options.ts';

type Choice = Pick<ClusterRestoreOptions, 'store' | 'label' | 'systemIdentifier'>;

/**
 * Every backup of the cluster that is meant, oldest first, and which of them was named.
 * @throws BACKUP_MISSING, USAGE where the store holds several clusters and none is named
 */
export async function clusterBackups(
  choice: Choice,
): Promise<{ readonly backups: readonly ClusterBackup[]; readonly named: ClusterBackup | undefined }> {
  if (choice.label !== LATEST) {
    const entry = await findBackup(choice.store, choice.label);
    const named: ClusterBackup = { entry, manifest: await readClusterManifest(entry) };
    return { backups: await listClusterBackups(entry.repository), named };
  }
  const clusters: (readonly ClusterBackup[])[] = [];
  for (const repository of await findRepositories(choice.store)) {
    const { systemIdentifier } = choice;
    if (systemIdentifier !== undefined && repository.systemIdentifier !== systemIdentifier) continue;
    const backups = await listClusterBackups(repository);
    if (backups.length > 0) clusters.push(backups);
  }
  const [only, ...others] = clusters;
  if (!only) {
    throw new StructdbError('BACKUP_MISSING', `${choice.store.location} has no base backup.`, {
      hint: 'Make one: structdb backup run --kind base   (or restore a dump: structdb restore <label> --database <name>)',
    });
  }
  if (others.length > 0) {
    throw new StructdbError('USAGE', `${choice.store.location} has base backups of ${clusters.length} clusters.`, {
      details: clusters.map(
        (backups) => `${backups[0]!.manifest.systemIdentifier}: newest ${backups.at(-1)!.entry.label}`,
      ),
      hint: 'Name the backup: structdb backup list',
    });
  }
  return { backups: only, named: undefined };
}
