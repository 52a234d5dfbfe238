/**
 * A base backup of a pgbench database against pgBackRest's full backup, as a ratio in one run:
 *
 *     node benchmarks/peers/base-vs-pgbackrest.ts [rounds] [scale]     (needs pgbackrest: apt-get install pgbackrest)
 *
 * Scale 100 is 1.5 GB. Both work on the same running server, into a directory on the same disk, compress with Zstandard at
 * level 3 on two cores, and end when the backup is durable; ours includes the start of Node and reading everything back.
 * Neither archives WAL here: that is measured apart. Prints sizes and the most memory that structdb held (VmHWM) too; exit
 * code 4 when it is not twice as fast, larger than 1.05 times the peer's, or holds 256 MiB.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { findProgram } from '../../src/programs/find.ts';
import { prepareOwn, preparePeer } from './backups.ts';
import { compare, onScratchServer, places } from './support.ts';

const rounds = Number(process.argv[2] ?? 3);
const scale = process.argv[3] ?? '100';
const settings = { wal_level: 'replica', max_wal_senders: '4', shared_buffers: '256MB', max_wal_size: '4GB' };

await onScratchServer(async ({ connection, dataDirectory }) => {
  const { host, port, user } = connection;
  const { path: pgbench } = await findProgram('pgbench', places);
  const to = ['-h', host, '-p', String(port), '-U', user];
  execFileSync(pgbench, [...to, '-i', '-q', '-s', scale, 'postgres'], { stdio: 'ignore' });
  const folder = mkdtempSync('/var/tmp/structdb-base-bench-');
  try {
    const peer = preparePeer(path.join(folder, 'peer'), connection, dataDirectory);
    const own = prepareOwn(path.join(folder, 'own'));
    const url = `postgres://${user}@/postgres?host=${host}&port=${port}`;
    await compare(
      {
        name: 'backup run --kind base',
        run: () => {
          rmSync(own.store, { recursive: true, force: true });
          return own.run(['backup', 'run', '--kind', 'base', '--url', url, '--json', '--quiet']);
        },
      },
      { name: 'pgbackrest backup --type=full', run: () => peer.run(['backup', '--type=full']) },
      { rounds, target: 0.5 },
    );
    const bytes = (directory: string) =>
      Number(execFileSync('du', ['-sb', directory], { encoding: 'utf8' }).split('\t')[0]);
    // pgBackRest keeps one full backup (repo1-retention-full), as ours was removed before the last.
    const sizes = { own: bytes(own.store), peer: bytes(path.join(peer.repository, 'backup')) };
    const ratio = sizes.own / sizes.peer;
    const mib = (size: number) => `${(size / 1024 / 1024).toFixed(1)} MiB`;
    console.log(
      `size: ${mib(sizes.own)}, pgbackrest ${mib(sizes.peer)}, ratio ${ratio.toFixed(3)}  (target: at most 1.05)`,
    );
    console.log(`structdb held at most ${own.peakMiB().toFixed(0)} MiB  (target: below 256)`);
    if (ratio > 1.05 || own.peakMiB() >= 256) process.exitCode = 4;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, settings);
