import { recoverFromStore } from './recover.ts';
import type { Scenario } from './stage.ts';

/** PostgreSQL keeps what it cannot archive and tries again, as long as the command tells the truth. */
export const storeUnreachable: Scenario = {
  name: 'store-unreachable',
  title: 'the store cannot be reached for a while, and then the data directory is lost',
  protection: 'an archive_command that fails when the segment is not durable, so that PostgreSQL keeps it',
  async run(stage, { unprotected }) {
    const { cluster, writer } = stage;
    const lying = `(${cluster.archiveCommand}) || true`;
    await stage.begin(unprotected ? { archive_command: lying } : {});
    await writer.more(10);
    const back = await stage.takeStoreAway();
    stage.event('store away');
    const tried = async () => {
      const [found] = await stage.query<{ tries: number }>(
        cluster.connection,
        'select (archived_count + failed_count)::int as tries from pg_stat_archiver',
      );
      return found!.tries;
    };
    const before = await tried();
    await stage.query(cluster.connection, 'select pg_switch_wal()');
    await stage.until('the archiver has tried', async () => (await tried()) > before);
    // The server takes writes all the while.
    await writer.more(15);
    await back();
    stage.event('store back');
    await stage.secure();
    await writer.more(10);
    await stage.breaks(() => cluster.destroy());
    const { endLsn: archivedEnd } = await stage.reach();
    return { connection: await recoverFromStore(stage), archivedEnd };
  },
};
