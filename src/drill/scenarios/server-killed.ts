import type { Scenario } from './stage.ts';

/** Crash recovery: what was acknowledged was flushed, so the WAL in the data directory has it. */
export const serverKilled: Scenario = {
  name: 'server-killed',
  title: 'every process of the server is killed (SIGKILL)',
  protection: 'synchronous_commit: a commit is acknowledged when its WAL is flushed',
  limitMs: 0,
  async run(stage, { unprotected }) {
    const { cluster, context } = stage;
    await stage.begin(unprotected ? { synchronous_commit: 'off', wal_writer_delay: '10s' } : {});
    await stage.writer.more(30);
    await stage.breaks(() => cluster.kill());
    await stage.phase('replay', () => cluster.start({}, context));
    return { connection: cluster.connection, archivedEnd: undefined };
  },
};
