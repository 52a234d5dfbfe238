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
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findServerPrograms, withScratchCluster } from '../../src/postgres/cluster.ts';
import { findProgram } from '../../src/programs/find.ts';
import { compare, context, environment, places } from './support.ts';

const rounds = Number(process.argv[2] ?? 3);
const scale = process.argv[3] ?? '100';
const structdb = fileURLToPath(new URL('../../bin/structdb.js', import.meta.url));

const settings = { wal_level: 'replica', max_wal_senders: '4', shared_buffers: '256MB', max_wal_size: '4GB' };
const programs = await findServerPrograms(places);
await withScratchCluster({ programs, environment, settings }, context, async ({ connection, dataDirectory }) => {
  const { path: pgbench } = await findProgram('pgbench', places);
  const to = ['-h', connection.host, '-p', String(connection.port), '-U', connection.user];
  execFileSync(pgbench, [...to, '-i', '-q', '-s', scale, 'postgres'], { stdio: 'ignore' });
  const folder = mkdtempSync('/var/tmp/structdb-base-bench-');
  try {
    const peer = preparePeer(path.join(folder, 'peer'), connection, dataDirectory);
    const own = prepareOwn(path.join(folder, 'own'));
    const url = `postgres://${connection.user}@/postgres?host=${connection.host}&port=${connection.port}`;
    const timed = (command: string, words: readonly string[], options: object) => {
      const started = performance.now();
      execFileSync(command, words, { stdio: ['ignore', 'ignore', 'inherit'], ...options });
      return performance.now() - started;
    };
    let peak = 0;
    await compare(
      {
        name: 'backup run --kind base',
        run: () => {
          rmSync(own.store, { recursive: true, force: true });
          const words = [
            '--import',
            own.preload,
            structdb,
            'backup',
            'run',
            '--kind',
            'base',
            '--url',
            url,
            '--json',
            '--quiet',
          ];
          const ms = timed(process.execPath, words, {
            cwd: own.folder,
            stdio: 'ignore',
            env: { ...process.env, PEAK_FILE: own.peak },
          });
          peak = Math.max(peak, Number(readFileSync(own.peak, 'utf8')) / 1024);
          return ms;
        },
      },
      {
        name: 'pgbackrest backup --type=full',
        run: () => timed('pgbackrest', [...peer.words, 'backup', '--type=full'], {}),
      },
      { rounds, target: 0.5 },
    );
    const bytes = (directory: string) =>
      Number(execFileSync('du', ['-sb', directory], { encoding: 'utf8' }).split('\t')[0]);
    // pgBackRest keeps one full backup (repo1-retention-full), as ours was removed before the last.
    const sizes = { own: bytes(path.join(own.store)), peer: bytes(path.join(peer.repository, 'backup')) };
    const ratio = sizes.own / sizes.peer;
    const mib = (size: number) => `${(size / 1024 / 1024).toFixed(1)} MiB`;
    console.log(
      `size: ${mib(sizes.own)}, pgbackrest ${mib(sizes.peer)}, ratio ${ratio.toFixed(3)}  (target: at most 1.05)`,
    );
    console.log(`structdb held at most ${peak.toFixed(0)} MiB  (target: below 256)`);
    if (ratio > 1.05 || peak >= 256) process.exitCode = 4;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function prepareOwn(folder: string) {
  mkdirSync(folder);
  const preload = path.join(folder, 'peak.mjs');
  writeFileSync(
    preload,
    `import { readFileSync, writeFileSync } from 'node:fs';
process.on('exit', () => {
  const [, peak] = /VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
  writeFileSync(process.env.PEAK_FILE, peak);
});
`,
  );
  writeFileSync(
    path.join(folder, 'structdb.config.ts'),
    `export default { stores: { local: { type: 'directory', path: './store' } }, backup: { compression: { level: 3, threads: 2 } } };`,
  );
  return { folder, preload, store: path.join(folder, 'store'), peak: path.join(folder, 'peak') };
}

/** A stanza for this cluster. Returns what each command is given. */
function preparePeer(
  folder: string,
  { host, port, user }: { readonly host: string; readonly port: number; readonly user: string },
  dataDirectory: string,
) {
  mkdirSync(folder);
  chmodSync(path.dirname(folder), 0o755);
  const config = path.join(folder, 'pgbackrest.conf');
  writeFileSync(
    config,
    `[global]
repo1-path=${folder}/repository
repo1-retention-full=1
log-path=${folder}
lock-path=${folder}
log-level-console=error
log-level-file=off
compress-type=zst
compress-level=3
process-max=2
start-fast=y
archive-check=n
[peer]
pg1-path=${dataDirectory}
pg1-socket-path=${host}
pg1-port=${port}
pg1-user=${user}
`,
  );
  const words = [`--config=${config}`, '--stanza=peer'];
  execFileSync('pgbackrest', [...words, 'stanza-create'], { stdio: 'inherit' });
  return { words, repository: path.join(folder, 'repository') };
}
