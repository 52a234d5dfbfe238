import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PrivateCluster } from './private-cluster.ts';
import { recoverFromStore } from './recover.ts';
import type { Scenario, Stage } from './stage.ts';

/** A standby takes over and goes on on a timeline of its own; then it is lost too. Replay must follow it there. */
export const failover: Scenario = {
  name: 'failover',
  title: 'a standby takes over on a new timeline, and then is lost with its data directory',
  protection: 'recovery follows the newest timeline',
  async run(stage, { unprotected }) {
    const { cluster, writer, context } = stage;
    await cluster.start({ synchronous_standby_names: '*' }, context);
    const standby = await startStandby(stage);
    await stage.until('the standby follows', async () => {
      const [found] = await stage.query<{ ready: boolean }>(
        cluster.connection,
        `select exists (select from pg_stat_replication where sync_state = 'sync') as ready`,
      );
      return found!.ready;
    });
    await writer.follow(cluster.connection);
    stage.event('load');
    await writer.more(15);
    await cluster.kill();
    await writer.abandon();
    await stage.query(standby.connection, 'select pg_promote(true, 60)');
    stage.event('promoted');
    await writer.follow(standby.connection);
    await writer.more(15);
    await stage.secure(standby.connection);
    await writer.more(10);
    await stage.breaks(() => standby.destroy());
    const { endLsn: archivedEnd } = await stage.reach();
    const timeline = unprotected ? 'current' : 'latest';
    return { connection: await recoverFromStore(stage, { timeline }), archivedEnd };
  },
};

/** The copy of the template is a cold backup of the primary, which began from the same one. */
async function startStandby(stage: Stage): Promise<PrivateCluster> {
  const { cluster, template, context, store } = stage;
  const standby = await PrivateCluster.at(cluster.site, path.join(stage.directory, 'standby'));
  stage.onClose(() => standby.remove());
  await standby.copyFrom(template.cluster);
  await standby.archiveInto(store.settings!, template.systemIdentifier);
  await writeFile(path.join(standby.dataDirectory, 'standby.signal'), '');
  const { host, port, user } = cluster.connection;
  await standby.start({ primary_conninfo: `host=${host} port=${port} user=${user} application_name=standby` }, context);
  return standby;
}
