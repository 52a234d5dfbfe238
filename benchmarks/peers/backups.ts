/** The two tools of the comparisons of base backups and restores: structdb as npm ships it, and a stanza of pgBackRest. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../..', import.meta.url));

/** Both compress with Zstandard at this level, on two cores. */
const LEVEL = 3;

export interface OwnTool {
  /** A project whose store is `store` in it. */
  readonly folder: string;
  readonly store: string;
  /** What `node` runs. */
  readonly program: string;
  /** Runs structdb there; returns the milliseconds of the whole process. */
  run(words: readonly string[]): number;
  /** The most memory (VmHWM) that a run held so far, in MiB. */
  peakMiB(): number;
}

/** Builds the package as it is published (compiled, `wal fetch` bundled) and a project that uses it. */
export function prepareOwn(folder: string): OwnTool {
  mkdirSync(folder);
  execFileSync(process.execPath, [path.join(checkout, 'scripts/build.mjs')], { stdio: 'inherit' });
  const home = path.join(folder, 'package');
  for (const part of ['bin', 'dist', 'catalogs', 'package.json']) {
    cpSync(path.join(checkout, part), path.join(home, part), { recursive: true });
  }
  symlinkSync(path.join(checkout, 'node_modules'), path.join(home, 'node_modules'));
  const program = path.join(home, 'bin/structdb.js');
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
    `export default { stores: { local: { type: 'directory', path: './store' } }, backup: { compression: { level: ${LEVEL}, threads: 2 } } };`,
  );
  const peakFile = path.join(folder, 'peak');
  let peak = 0;
  return {
    folder,
    program,
    store: path.join(folder, 'store'),
    peakMiB: () => peak,
    run: (words) => {
      const ms = timed(process.execPath, ['--import', preload, program, ...words], {
        cwd: folder,
        env: { ...process.env, PEAK_FILE: peakFile },
      });
      peak = Math.max(peak, Number(readFileSync(peakFile, 'utf8')) / 1024);
      return ms;
    },
  };
}

export interface PeerTool {
  readonly repository: string;
  run(words: readonly string[]): number;
}

/** A stanza for this cluster. */
export function preparePeer(
  folder: string,
  { host, port, user }: { readonly host: string; readonly port: number; readonly user: string },
  dataDirectory: string,
): PeerTool {
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
compress-level=${LEVEL}
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
  const run = (words: readonly string[]) => timed('pgbackrest', [`--config=${config}`, '--stanza=peer', ...words], {});
  run(['stanza-create']);
  return { repository: path.join(folder, 'repository'), run };
}

function timed(command: string, words: readonly string[], options: object): number {
  const started = performance.now();
  execFileSync(command, words, { stdio: ['ignore', 'ignore', 'inherit'], ...options });
  return performance.now() - started;
}
