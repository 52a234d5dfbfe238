/**
 * Restoring a pgbench database into a new directory against pgBackRest's restore, as a ratio in one run:
 *
 *     node benchmarks/peers/restore-vs-pgbackrest.ts [rounds] [scale]     (needs pgbackrest: apt-get install pgbackrest)
 *
 * Scale 100 is 1.5 GB. Both restore their own base backup of the same server (Zstandard level 3, from a directory on the
 * same disk, on two cores), compare every file with its checksum, and end when the directory is durable. Whole processes:
 * ours includes the start of Node and the plan. Prints the most memory that structdb held (VmHWM) too; exit code 4 when it
 * is slower or holds 256 MiB.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
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
  const folder = mkdtempSync('/var/tmp/structdb-restore-bench-');
  try {
    const peer = preparePeer(path.join(folder, 'peer'), connection, dataDirectory);
    const own = prepareOwn(path.join(folder, 'own'));
    const url = `postgres://${user}@/postgres?host=${host}&port=${port}`;
    own.run(['backup', 'run', '--kind', 'base', '--url', url, '--quiet']);
    peer.run(['backup', '--type=full']);
    const target = path.join(folder, 'restored');
    const clear = () => {
      for (const left of [target, `${target}.recovery`]) rmSync(left, { recursive: true, force: true });
      execFileSync('sync');
    };
    await compare(
      {
        name: 'restore --target',
        run: () => {
          clear();
          return own.run(['restore', '--target', target, '--quiet', '--json']);
        },
      },
      {
        name: 'pgbackrest restore',
        run: () => {
          clear();
          mkdirSync(target, { mode: 0o700 });
          return peer.run([`--pg1-path=${target}`, '--archive-mode=off', 'restore']);
        },
      },
      { rounds, target: 1 },
    );
    console.log(`structdb held at most ${own.peakMiB().toFixed(0)} MiB  (target: below 256)`);
    if (own.peakMiB() >= 256) process.exitCode = 4;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, settings);
