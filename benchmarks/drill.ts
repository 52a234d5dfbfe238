/**
 * What a drill of a base backup takes, by phase, and the most memory that structdb itself holds (VmHWM):
 *
 *     node benchmarks/drill.ts [projects] [pgbench scale]
 *
 * Once with a migrated database of so many sample projects (10,000), once with a pgbench database (scale 100 is 1.5 GB), each
 * on a private server in a folder of its own, which is gone afterwards. Exit code 4 when a drill takes a minute, fails, or
 * holds 256 MiB.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSample } from '../src/database/load-sample.ts';
import { readPrivateServer } from '../src/devdb/address.ts';
import type { BaseDrillResult } from '../src/drill/index.ts';
import { findProgram } from '../src/programs/find.ts';
import { defaultSample } from '../src/sample/index.ts';
import { context, places } from './peers/support.ts';

const LIMIT_MIB = 256;
const LIMIT_MS = 60_000;
const projects = Number(process.argv[2] ?? 10_000);
const scale = process.argv[3] ?? '100';
const structdb = fileURLToPath(new URL('../bin/structdb.js', import.meta.url));

await drill(`${projects} projects`, async (folder, run) => {
  run('migrate', 'up');
  const connection = (await readPrivateServer(folder))!;
  await loadSample({ connection, ...defaultSample, projects }, context);
});
await drill(`pgbench, scale ${scale}`, async (folder) => {
  const { host, port, user, password, database } = (await readPrivateServer(folder))!;
  const { path: pgbench } = await findProgram('pgbench', places);
  const to = ['-h', host, '-p', String(port), '-U', user];
  execFileSync(pgbench, [...to, '-i', '-q', '-s', scale, database], {
    stdio: 'ignore',
    env: { ...process.env, PGPASSWORD: password },
  });
});

type Run = (...words: readonly string[]) => string;

async function drill(what: string, fill: (folder: string, run: Run) => Promise<void>): Promise<void> {
  const folder = mkdtempSync('/var/tmp/structdb-drill-bench-');
  const peakFile = path.join(folder, 'peak');
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
  const run: Run = (...words) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', preload, structdb, ...words], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: process.env.HOME, PEAK_FILE: peakFile },
    });
    if (status !== 0 && status !== 4) throw new Error(`structdb ${words.join(' ')}: exit code ${status}\n${stderr}`);
    return stdout;
  };
  try {
    run('dev', 'start');
    await fill(folder, run);
    run('backup', 'run', '--kind', 'base');
    const began = performance.now();
    const { result } = JSON.parse(run('dr-test', '--kind', 'base', '--json')) as { readonly result: BaseDrillResult };
    report(what, result, performance.now() - began, Number(readFileSync(peakFile, 'utf8')) / 1024);
  } finally {
    run('dev', 'reset', '--yes', '--with-backups');
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(
  what: string,
  { rto, rate, replay, verdict, checksMs }: BaseDrillResult,
  wholeMs: number,
  peakMib: number,
): void {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const mib = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(0)} MiB`;
  const phases = Object.entries(rto.phases).map(([name, ms]) => `${name.replace(/Ms$/, '')} ${seconds(ms)}`);
  console.log(`${what}: ${mib(rate.sizeBytes)} and ${mib(replay.walBytes)} of WAL: ${verdict.message}`);
  console.log(`  RTO ${seconds(rto.measuredMs)}: ${phases.join(', ')}`);
  console.log(
    `  checks ${seconds(checksMs)}, whole process ${seconds(wholeMs)}, at most ${peakMib.toFixed(0)} MiB of memory`,
  );
  console.log(
    `  ${mib(rate.bytesPerSecond)}/s: 15 minutes cover about ${(rate.coveredBytes / 1024 ** 3).toFixed(0)} GiB`,
  );
  if (!verdict.ok || wholeMs >= LIMIT_MS || peakMib >= LIMIT_MIB) process.exitCode = 4;
}
