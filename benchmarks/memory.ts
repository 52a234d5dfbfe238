/**
 * The most memory (VmHWM) that each command ever held, its children left out, at the size of quickstart:
 *
 *     node benchmarks/memory.ts
 *
 * Works on a private server in a folder of its own, which is gone afterwards. Exit code 4 when a command exceeds the limit.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const LIMIT_MIB = 256;
const structdb = fileURLToPath(new URL('../bin/structdb.js', import.meta.url));
const folder = mkdtempSync('/var/tmp/structdb-memory-');
const peakFile = path.join(folder, 'peak');
const preload = path.join(folder, 'peak.mjs');
const run = (...args: string[]) =>
  spawnSync(process.execPath, ['--import', preload, structdb, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PEAK_FILE: peakFile },
  });

writeFileSync(
  preload,
  `import { readFileSync, writeFileSync } from 'node:fs';
process.on('exit', () => {
  const [, peak] = /VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
  writeFileSync(process.env.PEAK_FILE, peak);
});
`,
);
// What bench and dr-test find may be a missed target (4) or too few samples (6): that is their answer.
const answers = new Set([0, 4, 6]);
let failed = false;
try {
  measure('dev', 'start');
  measure('quickstart');
  const label = JSON.parse(run('backup', 'list', '--json').stdout).result.backups.at(-1).label as string;
  for (const command of [
    ['migrate', 'plan'],
    ['migrate', 'status'],
    ['migrate', 'down', '2', '--yes'],
    ['migrate', 'up'],
    ['dashboard', 'refresh'],
    ['catalog', 'import'],
    ['catalog', 'import', '--dry-run'],
    ['catalog', 'list'],
    ['catalog', 'show', 'W44X335'],
    ['bench'],
    ['backup', 'run'],
    ['backup'],
    ['backup', 'list'],
    ['backup', 'show', label],
    ['backup', 'verify'],
    ['restore', label, '--database', 'restored'],
    ['dr-test', '--kind', 'dump'],
    ['backup', 'run', '--kind', 'base'],
    ['dr-test'],
    // A commit behind the base backup, and its segment in the archive: an instant to be drawn.
    ['dashboard', 'refresh'],
    ['doctor'],
    ['dr-test', '--random-instant'],
    ['dr-test', '--scenario', 'server-and-receiver-lost'],
    ['dr-test', 'history'],
    ['dev', 'status'],
  ]) {
    measure(...command);
  }
} finally {
  measure('dev', 'reset', '--yes', '--with-backups');
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed ? 4 : 0;

function measure(...args: string[]): void {
  const { status, stderr } = run(...args);
  if (!answers.has(status ?? -1)) throw new Error(`structdb ${args.join(' ')}: exit code ${status}\n${stderr}`);
  const peak = Number(readFileSync(peakFile, 'utf8')) / 1024;
  failed ||= peak >= LIMIT_MIB;
  console.log(`${peak.toFixed(0).padStart(4)} MiB  structdb ${args.join(' ').replace(/\d{8}T\S+/, '<label>')}`);
}
