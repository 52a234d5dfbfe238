/**
 * What S3 costs, and how much memory, on a private server and Ceph's gateway; whole processes of the published package:
 *
 *     node benchmarks/s3.ts [scale of pgbench]      (needs Ceph's gateway and age: scripts/setup.sh --tests)
 *
 * `wal push` of a new segment into S3, plain and encrypted (median of nine; target below 600 ms); a base backup into S3 and
 * its restore, encrypted, with the most memory that each held (VmHWM; target below 256 MiB, `wal push` 128). Exit code 4
 * when a target is missed.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { findProgram } from '../src/programs/find.ts';
import { writeArchiveProgram } from '../src/repository/archive-program.ts';
import { startS3Gateway, stopS3Gateway } from '../test/support/s3-gateway.ts';
import { identityOf } from './peers/archives.ts';
import { prepareOwn } from './peers/backups.ts';
import { median, onScratchServer, places, psqlOn } from './peers/support.ts';

const scale = process.argv[2] ?? '30';
const BUCKET = 'benchmark';
const PUSHES = 9;
const settings = {
  archive_mode: 'on',
  archive_command: 'false',
  wal_level: 'replica',
  max_wal_senders: '4',
  max_wal_size: '4GB',
};

await onScratchServer(async ({ connection, directory, dataDirectory, user }) => {
  const folder = mkdtempSync('/var/tmp/structdb-s3-bench-');
  chmodSync(folder, 0o755);
  const gateway = await startS3Gateway(path.join(folder, 's3'), process.pid);
  try {
    const psql = await psqlOn(connection);
    const { path: pgbench } = await findProgram('pgbench', places);
    const to = ['-h', connection.host, '-p', String(connection.port), '-U', connection.user];
    execFileSync(pgbench, [...to, '-i', '-q', '-s', scale, 'postgres'], { stdio: 'ignore' });
    const identityFile = path.join(folder, 'identity.txt');
    execFileSync('age-keygen', ['-o', identityFile], { stdio: 'ignore' });
    const recipient = execFileSync('age-keygen', ['-y', identityFile], { encoding: 'utf8' }).trim();
    const encryption = { recipients: [recipient], identityFile };
    const at = (prefix: string) => ({ type: 's3' as const, bucket: BUCKET, prefix, ...gateway, pathStyle: true });
    await createBucket(at(''));

    for (const [name, store] of Object.entries({ plain: at('wal'), encrypted: { ...at('sealed'), encryption } })) {
      const place = path.join(directory, `archive-${name}`);
      const opened = {
        ...store,
        requestTimeout: 60_000,
        ...(name === 'encrypted' ? { encryption: { recipients: [recipient] } } : {}),
      };
      await writeArchiveProgram(place, { store: opened as never, ...identityOf(psql) }, user);
      const pushed = pushAll(place, path.join(dataDirectory, 'pg_wal'), user);
      verdict(`wal push into S3, ${name}`, median(pushed.ms), 'ms', 600);
      verdict(`wal push into S3, ${name}: memory`, pushed.peakMiB, 'MiB', 128);
    }

    const own = prepareOwn(path.join(folder, 'own'));
    const stores = JSON.stringify({ archive: { ...at('base'), encryption } });
    writeFileSync(
      path.join(own.folder, 'structdb.config.ts'),
      `const stores = ${stores};\nexport default { stores, backup: { compression: { level: 3, threads: 2 } } };`,
    );
    const url = `postgres://${connection.user}@/postgres?host=${connection.host}&port=${connection.port}`;
    const base = ['backup', 'run', '--kind', 'base', '--store', 'archive', '--url', url, '--quiet'];
    console.log(`base backup into S3, encrypted: ${(own.run(base) / 1000).toFixed(1)} s`);
    verdict('base backup into S3, encrypted: memory', own.peakMiB(), 'MiB', 256);
    const target = path.join(folder, 'restored');
    const restore = ['restore', '--target', target, '--store', 'archive', '--quiet'];
    console.log(`restore from S3, encrypted: ${(own.run(restore) / 1000).toFixed(1)} s`);
    verdict('base backup and restore, S3, encrypted: memory', own.peakMiB(), 'MiB', 256);
  } finally {
    await stopS3Gateway(path.join(folder, 's3'));
    rmSync(folder, { recursive: true, force: true });
  }
}, settings);

/** Pushes each waiting segment as archive_command would, one process each. */
function pushAll(place: string, walDirectory: string, user: { uid: number; gid: number } | undefined) {
  const preload = path.join(place, 'peak.mjs');
  writeFileSync(
    preload,
    `import { readFileSync } from 'node:fs';
process.on('exit', () => process.stdout.write(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]));`,
  );
  const names = readdirSync(walDirectory).filter((name) => /^[0-9A-F]{24}$/.test(name));
  const as = user ? { uid: user.uid, gid: user.gid } : {};
  const ms: number[] = [];
  let peakMiB = 0;
  for (const name of names.sort().slice(0, PUSHES)) {
    const copy = path.join(place, 'wal');
    mkdirSync(copy, { recursive: true });
    // Alone: nothing waits beside it, so nothing is pushed ahead.
    writeFileSync(path.join(copy, name), readFileSync(path.join(walDirectory, name)));
    chmodSync(path.join(copy, name), 0o644);
    const words = ['--import', preload, path.join(place, 'wal.mjs'), 'push', path.join(copy, name)];
    const began = performance.now();
    const peak = execFileSync(process.execPath, words, { ...as, encoding: 'utf8', cwd: '/' });
    ms.push(performance.now() - began);
    peakMiB = Math.max(peakMiB, Number(peak) / 1024);
  }
  return { ms, peakMiB };
}

async function createBucket(store: { endpoint: string; region: string; accessKeyId: string; secretAccessKey: string }) {
  const { S3Client, CreateBucketCommand } = await import('@aws-sdk/client-s3');
  const { endpoint, region, ...credentials } = store;
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  client.destroy();
}

function verdict(what: string, value: number, unit: string, limit: number): void {
  console.log(`${what}: ${value.toFixed(0)} ${unit}  (target: below ${limit})`);
  if (value >= limit) process.exitCode = 4;
}
