/**
 * Restoring a pgbench database into a new directory against pgBackRest's restore, as a ratio in one run:
 *
 *     node benchmarks/peers/restore-vs-pgbackrest.ts [rounds] [scale]     (needs pgbackrest: apt-get install pgbackrest)
 *
 * Scale 100 is 1.5 GB. Both restore their own base backup of the same server (Zstandard level 3, from a directory on the
 * same disk, on two cores), compare what they read with its checksum (pgBackRest each file, structdb each archive), and end
 * when the directory is durable. Whole processes: ours includes the start of Node and the plan. Every restore goes to a new
 * directory, and none is removed before the end: ext4 looks for a free inode past each that was freed lately. Page cache
 * that is full of earlier restores is dropped where that is allowed. Prints the most memory that structdb held (VmHWM) too; exit code 4 when it
 * is slower or holds 256 MiB.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
    await compare(
      {
        name: 'restore --target',
        run: (round) => {
          settle();
          return own.run(['restore', '--target', path.join(folder, `own-${round}`), '--quiet', '--json']);
        },
      },
      {
        name: 'pgbackrest restore',
        run: (round) => {
          const target = path.join(folder, `peer-${round}`);
          mkdirSync(target, { mode: 0o700 });
          settle();
          return peer.run([`--pg1-path=${target}`, '--archive-mode=off', 'restore']);
        },
      },
      { rounds, target: 1 },
    );
    /** Nothing waits to be written, and the pages of earlier restores are free. What is restored from is read again. */
    function settle(): void {
      execFileSync('sync');
      try {
        writeFileSync('/proc/sys/vm/drop_caches', '1');
      } catch {
        // Only root may: then the cache is as it is, for both.
      }
      for (const store of [own.folder, peer.repository])
        execFileSync('tar', ['-cf', '/dev/stdout', store], { stdio: ['ignore', 'ignore', 'ignore'] });
    }
    console.log(`structdb held at most ${own.peakMiB().toFixed(0)} MiB  (target: below 256)`);
    if (own.peakMiB() >= 256) process.exitCode = 4;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, settings);
