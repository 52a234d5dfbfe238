/**
 * Archiving a backlog of WAL while pgbench writes, against pgBackRest's synchronous archive-push, as a ratio in one run:
 *
 *     node benchmarks/peers/wal-backlog-vs-pgbackrest.ts [rounds] [segments]      (needs pgbackrest: apt-get install pgbackrest)
 *
 * Each turn lets segments wait, starts pgbench, hands the server the contender's archive_command and measures how long it
 * takes until so many segments more are archived. Both compress with Zstandard at level 1 into a directory.
 */
import { execFileSync, spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from '../../src/programs/find.ts';
import { identityOf, prepareOwn, preparePeer } from './archives.ts';
import { compare, onScratchServer, places, psqlOn } from './support.ts';

const rounds = Number(process.argv[2] ?? 3);
const backlog = Number(process.argv[3] ?? 30);
const settings = {
  archive_mode: 'on',
  archive_command: '',
  wal_level: 'replica',
  max_wal_size: '8GB',
  max_wal_senders: '2',
};

await onScratchServer(async ({ connection, directory, dataDirectory, user }) => {
  const psql = await psqlOn(connection);
  const { path: pgbench } = await findProgram('pgbench', places);
  const target = ['-h', connection.host, '-p', String(connection.port), '-U', connection.user, connection.database];
  execFileSync(pgbench, ['-i', '-q', '-s', '10', ...target], { stdio: 'ignore' });
  psql('create table noise (line text)');
  const own = await prepareOwn(path.join(directory, 'own'), identityOf(psql), user);
  const peer = await preparePeer(path.join(directory, 'peer'), connection, dataDirectory, user);
  const number = (query: string) =>
    Number(psql(`\\pset format unaligned\n\\pset tuples_only on\n${query}`).trim().split('\n').at(-1));
  const archived = () => number('select archived_count from pg_stat_archiver');
  const waiting = () => number(`select count(*) from pg_ls_archive_statusdir() where name like '%.ready'`);
  const use = (command: string) => {
    psql(`alter system set archive_command = '${command.replaceAll("'", "''")}'; select pg_reload_conf();`);
  };

  const turn = async (command: string) => {
    use('');
    while (waiting() < backlog) {
      psql(`insert into noise select repeat('beam ', 8) || md5(i::text || random()) from generate_series(1, 400000) i;
            truncate noise;`);
    }
    const load = spawn(pgbench, ['-n', '-c', '2', '-T', '600', ...target], { stdio: 'ignore' });
    await sleep(500);
    const before = archived();
    const began = performance.now();
    use(command);
    while (archived() < before + backlog) await sleep(20);
    const ms = performance.now() - began;
    load.kill('SIGINT');
    await new Promise((resolve) => load.on('close', resolve));
    // What is left belongs to nobody's turn.
    while (waiting() > 0) await sleep(50);
    return ms / backlog;
  };
  await compare(
    { name: 'wal push, ms a segment', run: () => turn(own.archiveCommand) },
    { name: 'pgbackrest archive-push', run: () => turn(peer.archiveCommand) },
    { rounds, target: 0.5 },
  );
}, settings);
