/**
 * Replaying archived WAL through `wal fetch` against pgBackRest's archive-get, as a ratio in one run:
 *
 *     node benchmarks/peers/wal-fetch-vs-pgbackrest.ts [rounds] [segments]      (needs pgbackrest: apt-get install pgbackrest)
 *
 * A server archives the same segments with both. Each turn starts a copy of its data directory, taken before, with the
 * contender's restore_command, and measures until it accepts writes.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findServerPrograms, startServer, stopServer } from '../../src/postgres/cluster.ts';
import { renderSettings } from '../../src/postgres/settings.ts';
import { identityOf, prepareOwn, preparePeer } from './archives.ts';
import { compare, context, onScratchServer, places, psqlOn } from './support.ts';

const rounds = Number(process.argv[2] ?? 3);
const wanted = Number(process.argv[3] ?? 40);
const settings = {
  archive_mode: 'on',
  archive_command: '',
  wal_level: 'replica',
  max_wal_size: '8GB',
  max_wal_senders: '2',
};

await onScratchServer(async ({ connection, directory, dataDirectory, user }) => {
  const psql = await psqlOn(connection);
  const own = await prepareOwn(path.join(directory, 'own'), identityOf(psql), user);
  const peer = await preparePeer(path.join(directory, 'peer'), connection, dataDirectory, user);
  const base = path.join(directory, 'base');
  const as = user ? { uid: user.uid, gid: user.gid } : {};
  const quietly = { ...as, stdio: 'ignore' as const };
  // Fuzzy as any base backup; replay from the checkpoint before it makes it consistent.
  psql('checkpoint');
  execFileSync('cp', ['-a', '--reflink=auto', dataDirectory, base]);
  for (const name of ['postmaster.pid', 'postmaster.opts']) rmSync(path.join(base, name), { force: true });

  psql(
    `alter system set archive_command = '${`${own.archiveCommand.replace(/ \|\| exit 1$/, '')} && ${peer.archiveCommand}`.replaceAll("'", "''")}'; select pg_reload_conf();`,
  );
  psql('create table rows (id int primary key, line text)');
  const stored = () =>
    readdirSync(path.join(directory, 'own/store'), { recursive: true }).filter((name) =>
      /[0-9A-F]{24}\.zst$/.test(String(name)),
    ).length;
  for (let from = 0; stored() < wanted; from += 20_000) {
    psql(`insert into rows select i, repeat('beam ', 40) || md5(i::text) from generate_series(${from}, ${from + 19_999}) i;
          update rows set line = line || 'x' where id >= ${from};`);
  }
  psql('select pg_switch_wal()');
  const programs = await findServerPrograms(places);
  const turn = async (restoreCommand: string, round: number) => {
    const copy = path.join(directory, `copy-${round}`);
    execFileSync('cp', ['-a', '--reflink=auto', base, copy]);
    const conf = {
      restore_command: restoreCommand,
      archive_mode: 'off',
      port: '5433',
      recovery_target_timeline: 'current',
      hot_standby: 'off',
    };
    writeFileSync(path.join(copy, 'postgresql.auto.conf'), renderSettings(conf));
    execFileSync('touch', [path.join(copy, 'recovery.signal')], quietly);
    const server = {
      programs,
      dataDirectory: copy,
      user,
      logFile: path.join(directory, `copy-${round}.log`),
      timeoutMs: 600_000,
    };
    const began = performance.now();
    await startServer(server, context);
    // pg_ctl does not wait for the end of recovery.
    while (!/ready to accept connections/.test(readFileSync(server.logFile, 'utf8'))) await sleep(10);
    const ms = performance.now() - began;
    await stopServer({ ...server, mode: 'immediate' });
    rmSync(copy, { recursive: true });
    return ms;
  };
  let number = 0;
  await compare(
    { name: 'wal fetch', run: () => turn(own.restoreCommand, ++number) },
    {
      name: 'pgbackrest archive-get',
      run: () =>
        turn(`${peer.command} --pg1-path=${path.join(directory, `copy-${++number}`)} archive-get %f "%p"`, number),
    },
    { rounds, target: 1 },
  );
}, settings);
