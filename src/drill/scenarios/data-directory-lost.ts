import { recoverFromStore } from './recover.ts';
import type { Scenario } from './stage.ts';

/** The disk of the server is gone, pg_wal with it: what is in the store is all there is. */
export const dataDirectoryLost: Scenario = {
  name: 'data-directory-lost',
  title: 'the server and its whole data directory are lost',
  protection: 'archiving: every closed segment is in the store',
  async run(stage, { unprotected }) {
    await stage.begin(unprotected ? { archive_mode: 'off' } : {});
    await stage.writer.more(20);
    await stage.secure();
    await stage.writer.more(15);
    await stage.breaks(() => stage.cluster.destroy());
    const { endLsn: archivedEnd } = await stage.reach();
    return { connection: await recoverFromStore(stage), archivedEnd };
  },
};
