import { findBackup, readClusterManifest, removeBackup } from '../../repository/backups.ts';
import { findPart } from '../../repository/parts.ts';
import { damageObject } from './copy-store.ts';
import { recoverFromStore } from './recover.ts';
import type { Scenario, Stage } from './stage.ts';

/** An older backup and a little more WAL do as well, if there is one and the damage is noticed. */
export const backupCorrupt: Scenario = {
  name: 'backup-corrupt',
  title: 'the newest backup is corrupt when it is needed',
  protection: 'more than one backup, each verified while it is restored, and WAL from the oldest on',
  async run(stage, { unprotected }) {
    const [older, newer] = stage.template.backups;
    await stage.begin();
    await stage.writer.more(20);
    await stage.secure();
    await damageBackup(stage, newer);
    if (unprotected) await removeBackup((await findBackup(stage.store, older)).repository, older);
    await stage.breaks(() => stage.cluster.destroy());
    const { endLsn: archivedEnd } = await stage.reach();
    const connection = await recoverFromStore(stage);
    const fellBack = stage.said.some((line) => line.includes(newer));
    return { connection, archivedEnd, deviations: fellBack ? [] : ['the damage of the newest backup was not noticed'] };
  },
};

/** One byte of the archive of the data directory. */
async function damageBackup({ store }: Stage, label: string): Promise<void> {
  const entry = await findBackup(store, label);
  const { parts } = await readClusterManifest(entry);
  const part = findPart(parts, 'base.tar.zst')!;
  await damageObject(store, entry.repository.keys.part(label, part.name));
}
