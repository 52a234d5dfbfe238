/**
 * Restoring a pgbench database into a new directory against pgBackRest's restore, as a ratio in one run:
 *
 *     node benchmarks/peers/restore-vs-pgbackrest.ts [rounds] [scale]     (needs pgbackrest: apt-get install pgbackrest)
 *
 * Scale 100 is 1.5 GB. Both restore their own base backup of the same server (Zstandard level 3, from a directory on the
 * same disk, on two cores), compare every file with its checksum, and end when the directory is durable. Whole processes:
 * ours includes the start of Node, the plan, and, run from the sources, bundling `wal fetch`. Prints the most memory that
 * structdb held (VmHWM) too; exit code 4 when it is slower or holds 256 MiB.
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
  const { host, port, user } = connection;
  const { path: pgbench } = await findProgram('pgbench', places);
  execFileSync(pgbench, ['-h', host, '-p', String(port), '-U', user, '-i', '-q', '-s', scale, 'postgres'], {
    stdio: 'ignore',
  });
  const folder = mkdtempSync('/var/tmp/structdb-restore-bench-');
  chmodSync(folder, 0o755);
  try {
    const peer = preparePeer(path.join(folder, 'peer'), { host, port, user }, dataDirectory);
    const own = prepareOwn(path.join(folder, 'own'));
    const run = (words: readonly string[], env: Record<string, string> = {}) => {
      const started = performance.now();
      execFileSync(words[0]!, words.slice(1), {
        cwd: own.folder,
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, ...env },
      });
      return performance.now() - started;
    };
    const url = `postgres://${user}@/postgres?host=${host}&port=${port}`;
    run([process.execPath, structdb, 'backup', 'run', '--kind', 'base', '--url', url, '--quiet']);
    run(['pgbackrest', ...peer, 'backup', '--type=full']);
    let peak = 0;
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
          const words = ['--import', own.preload, structdb, 'restore', '--target', target, '--quiet', '--json'];
          const ms = run([process.execPath, ...words], { PEAK_FILE: own.peak });
          peak = Math.max(peak, Number(readFileSync(own.peak, 'utf8')) / 1024);
          return ms;
        },
      },
      {
        name: 'pgbackrest restore',
        run: () => {
          clear();
          mkdirSync(target, { mode: 0o700 });
          return run(['pgbackrest', ...peer, `--pg1-path=${target}`, '--archive-mode=off', 'restore']);
        },
      },
      { rounds, target: 1 },
    );
    console.log(`structdb held at most ${peak.toFixed(0)} MiB  (target: below 256)`);
    if (peak >= 256) process.exitCode = 4;
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
  return { folder, preload, peak: path.join(folder, 'peak') };
}

/** A stanza for this cluster. Returns what each command is given. */
function preparePeer(
  folder: string,
  { host, port, user }: { readonly host: string; readonly port: number; readonly user: string },
  dataDirectory: string,
): string[] {
  mkdirSync(folder);
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
  return words;
}
