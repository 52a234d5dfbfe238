import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, open, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { listStore, runBackup, showBackup, verifyBackups } from '../../src/backup/index.ts';
import { fingerprintTables } from '../../src/database/fingerprint.ts';
import { freePort, startServer, stopServer } from '../../src/postgres/cluster.ts';
import { removeBackup } from '../../src/repository/backups.ts';
import type { ClusterManifest } from '../../src/repository/manifest.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { openSealing } from '../../src/storage/age-sealing.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import { openS3Store } from '../../src/storage/s3-store.ts';
import type { Store } from '../../src/storage/store.ts';
import { receiveWal } from '../../src/wal/index.ts';
import { keysOf } from '../storage/store-contract.ts';
import { projectRoot, structdb } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { embeddedPrograms } from '../support/embedded.ts';
import { testPlaces } from '../support/environment.ts';
import { runToDeath } from '../support/kill-points.ts';
import { serverDirectory, startLoopbackServer } from '../support/loopback-server.ts';
import { sql, urlOf } from '../support/postgres.ts';
import { clientOf, describeS3, freshBucket, type S3Bucket } from '../support/s3.ts';
import { scratchDirectory } from '../support/scratch.ts';
import {
  type ArchivingServer,
  archivingServer,
  baseOptions,
  filesOfBackups,
  folderOf,
  setting,
  slowPut,
  unpackByHand,
  withRestored,
} from './cluster-support.ts';

const scratch = await scratchDirectory();
const stops: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const stop of stops) await stop();
});
const ODD = `we ird-ß/..%='"x`;
let server: ArchivingServer;
/** One whole backup that several tests look at. */
let manifest: ClusterManifest;

beforeAll(async () => {
  server = await archivingServer();
  const { connection, directory, user } = server;
  const space = path.join(directory, 'space & co');
  mkdirSync(space);
  if (user) chownSync(space, user.uid, user.gid);
  await sql(connection, async (client) => {
    await client.query(`create tablespace "far ""away""" location '${space}'`);
    await client.query(`create database "${ODD.replaceAll('"', '""')}"`);
    await client.query('create role plain login');
  });
  await sql({ ...connection, database: ODD }, async (client) => {
    await client.query('create extension pg_trgm');
    await client.query(`create table "tä ble" (id int primary key, t text) tablespace "far ""away"""`);
    await client.query(`insert into "tä ble" select i, md5(i::text) from generate_series(1, 20000) i`);
    await client.query('create unlogged table quick (id serial, one int)');
    await client.query('insert into quick (one) values (1)');
    await client.query('create table parted (at date, n int) partition by range (at)');
    await client.query(`create table parted_1 partition of parted for values from ('2026-01-01') to ('2027-01-01')`);
    await client.query(`insert into parted select date '2026-01-01' + i, i from generate_series(0, 300) i`);
    await client.query(`select lo_from_bytea(4711, decode(repeat('00ff', 50000), 'hex'))`);
  });
  // As Debian has it: a file that the server reads and no base backup holds.
  const hba = path.join(directory, 'pg_hba.conf');
  writeFileSync(hba, `# of the test\nhost all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n`);
  await sql(connection, (client) => client.query(`alter system set hba_file = '${hba}'`));
  await stopServer({ ...server, dataDirectory: server.dataDirectory });
  await startServer({ ...server, logFile: path.join(directory, 'server.log') }, testContext());
  const made = await runBackup(baseOptions(server), testContext());
  manifest = (await showBackup({ store: baseOptions(server).store, label: made.label })).manifest as ClusterManifest;
});

const leftovers = async () => (await filesOfBackups(server)).filter((file) => !file.startsWith(manifest.label));

/** Whether the server still sends a backup, or keeps WAL for one. */
const atWork = () =>
  sql(server.connection, async (client) => {
    const { rows } = await client.query<{ n: number }>(
      `select (select count(*) from pg_stat_activity where backend_type = 'walsender')::int
            + (select count(*) from pg_replication_slots)::int as n`,
    );
    return rows[0]!.n;
  });

async function becomes<T>(ask: () => Promise<T>, wanted: T): Promise<void> {
  const end = Date.now() + 20_000;
  while (Date.now() < end && (await ask()) !== wanted) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await ask()).toBe(wanted);
}

describe('A base backup', () => {
  it('restores with zstd and tar to a server that has everything, tablespace and odd names included', async () => {
    const root = await mkdtemp(path.join(scratch, 'restored-'));
    const target = path.join(root, 'data');
    await unpackByHand(folderOf(server, manifest), target, path.join(root, 'spaces'));
    const contents = (connection: typeof server.connection) =>
      sql({ ...connection, database: ODD }, async (client) => {
        await client.query('begin');
        const tables = await fingerprintTables(client);
        return tables.filter(({ name }) => name !== 'quick');
      });
    const source = await contents(server.connection);
    await withRestored(server, target, async (connection) => {
      expect(await contents(connection)).toEqual(source);
      const unlogged = await sql({ ...connection, database: ODD }, (client) => client.query('select from quick'));
      expect(unlogged.rowCount).toBe(0);
    });
    const rowsOf = Object.fromEntries(source.map(({ name, rows }) => [name, rows]));
    expect(rowsOf).toEqual({ parted_1: 301, 'tä ble': 20_000, pg_largeobject: 1 });
  });

  it('says in its manifest what a restore has to know', async () => {
    expect(manifest).toMatchObject({
      kind: 'base',
      parent: null,
      timeline: 1,
      walIncluded: true,
      fromStandby: false,
      warnings: [],
      tablespaces: [{ name: 'far "away"', location: path.join(server.directory, 'space & co') }],
      configFiles: [{ setting: 'hba_file', path: path.join(server.directory, 'pg_hba.conf'), part: 'config/hba_file' }],
      requiredSettings: { max_connections: '50', max_wal_senders: '6' },
      tools: { compression: 'zstd level 3 on the server' },
    });
    const odd = manifest.databases.find(({ name }) => name === ODD);
    expect(odd?.extensions).toContainEqual(expect.objectContaining({ name: 'pg_trgm' }));
    expect(odd!.sizeBytes).toBeGreaterThan(7_000_000);
    const { oid } = manifest.tablespaces[0]!;
    expect(manifest.parts.map(({ name }) => name)).toEqual([
      `${oid}.tar.zst`,
      'base.tar.zst',
      'backup_manifest',
      'config/hba_file',
    ]);
    expect(manifest.plainBytes).toBeGreaterThan(30_000_000);
    expect(JSON.stringify(manifest)).not.toContain(server.connection.password!);
  });

  it('belongs to the owner of the store, and nobody else may read it', async () => {
    for (const { name } of manifest.parts) {
      const { uid, mode } = await stat(path.join(folderOf(server, manifest), name));
      expect([uid, mode & 0o777]).toEqual([server.user?.uid ?? process.getuid!(), 0o600]);
    }
  });

  it('has its WAL in the archive when it counts', () => {
    const { first, last } = manifest.walSegments;
    for (const name of [first, last]) {
      expect(
        existsSync(path.join(server.storeDirectory, manifest.systemIdentifier, 'wal/00000001', `${name}.zst`)),
      ).toBe(true);
    }
  });

  it('is listed and verified by the command line, which needs no server for it', async () => {
    const cwd = await projectOf(server);
    const list = await structdb(['backup', 'list', '--json'], { cwd });
    expect(list.json.result.backups).toMatchObject([{ label: manifest.label, kind: 'base', parent: null, rows: null }]);
    const verify = await structdb(['backup', 'verify', manifest.label], { cwd });
    expect(verify).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('every object is as it was written') });
  });

  it('that was altered is named, with the command that makes another of its kind', async () => {
    const cwd = await projectOf(server);
    const file = path.join(folderOf(server, manifest), 'backup_manifest');
    const bytes = await readFile(file);
    writeFileSync(file, Buffer.concat([bytes, bytes.subarray(0, 1)]));
    const broken = await structdb(['backup', 'verify', manifest.label, '--json'], { cwd });
    writeFileSync(file, bytes);
    expect(broken).toMatchObject({
      exitCode: 4,
      json: { error: { code: 'BACKUP_CORRUPT', hint: 'Make a new one now: structdb backup run --kind base' } },
    });
    expect((await structdb(['backup', 'verify', manifest.label], { cwd })).exitCode).toBe(0);
  });

  it('needs REPLICATION and nothing more; what the role may not see is said', async () => {
    const plain = { ...server.connection, user: 'plain' };
    await expect(runBackup(baseOptions(server, { connection: plain }), testContext())).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      hint: 'As a superuser: ALTER ROLE "plain" REPLICATION',
    });
    await sql(server.connection, (client) => client.query('alter role plain replication'));
    const context = testContext();
    const { label } = await runBackup(baseOptions(server, { connection: plain }), context);
    const { manifest: own } = await showBackup({ store: baseOptions(server).store, label });
    expect((own as ClusterManifest).warnings).toEqual([
      expect.stringContaining('shared_preload_libraries is not recorded'),
      expect.stringContaining('GRANT pg_read_all_settings'),
    ]);
    await removeOwn(label);
  });

  it('works for a server without Zstandard: the copy is compressed here', async () => {
    const embedded = await embeddedPrograms(18);
    const connection = await startLoopbackServer({
      ...embedded,
      settings: { wal_level: 'replica', max_wal_senders: '2', summarize_wal: 'off' },
    });
    const context = testContext();
    const options = baseOptions(server, { connection, kind: 'incremental' });
    const { label, kind } = await runBackup(options, context);
    expect(kind).toBe('base');
    const told = context.events.map((event) => ('message' in event ? event.message : ''));
    expect(told).toContainEqual(expect.stringContaining('built without Zstandard'));
    // An increment was asked for, and there was nothing to make it of.
    expect(told).toContainEqual(expect.stringContaining('does not summarize its WAL'));
    expect(told).toContainEqual(expect.stringContaining('to no later point in time: archive_mode is off'));
    const { manifest: own } = await showBackup({ store: options.store, label });
    expect(own).toMatchObject({ tools: { compression: 'zstd level 3 in structdb' } });
    const root = await mkdtemp(path.join(scratch, 'embedded-'));
    await unpackByHand(folderOf(server, own), path.join(root, 'data'), root, null);
    expect((own as ClusterManifest).warnings).toEqual([expect.stringContaining('restores to its own end only')]);
    // The second cluster has a place of its own in the store.
    expect(own.systemIdentifier).not.toBe(manifest.systemIdentifier);
    await withRestored({ ...embedded, connection }, path.join(root, 'data'), (restored) =>
      sql(restored, (client) => client.query('select from pg_class')),
    );
    await removeOwn(label, own.systemIdentifier);
  });
});

describe('A base backup whose WAL', () => {
  it('does not come into the archive fails after the wait, says why, and is not listed', async () => {
    await server.breakArchive(true);
    const run = runBackup(baseOptions(server, { archiveWaitMs: 1500 }), testContext());
    await expect(run).rejects.toMatchObject({
      code: 'WAL_MISSING',
      message: expect.stringMatching(/[0-9A-F]{24} is missing/),
      details: expect.arrayContaining([expect.stringMatching(/archive_command failed \d+ times/)]),
    });
    await server.breakArchive(false);
    expect(await leftovers()).toEqual([]);
    expect(await atWork()).toBe(0);
  });

  it('comes by wal receive alone counts as archived', async () => {
    const { connection } = server;
    const command = await sql(connection, async (client) => {
      const { rows } = await client.query<{ command: string }>(`select current_setting('archive_command') as command`);
      return rows[0]!.command;
    });
    await setting(connection, 'archive_command', '');
    const options = baseOptions(server, {
      store: openDirectoryStore({ path: path.join(scratch, 'received'), uid: process.geteuid?.() }),
    });
    const receiving = testContext();
    const { slot } = options.policy.wal;
    const received = receiveWal({ ...options, slot, heartbeat: false }, receiving);
    const streams = () =>
      sql(connection, async (client) => {
        const { rows } = await client.query('select from pg_replication_slots where active and slot_name = $1', [slot]);
        return rows.length;
      });
    await becomes(streams, 1);
    const policy = { ...options.policy, wal: { ...options.policy.wal, store: 'local' } };
    const { label } = await runBackup({ ...options, policy }, testContext());
    receiving.interrupt();
    await received;
    await becomes(streams, 0);
    const { manifest: own } = await showBackup({ store: options.store, label });
    const { first } = (own as ClusterManifest).walSegments;
    expect(await keysOf(options.store, '')).toContain(`${own.systemIdentifier}/wal/00000001/${first}.zst`);
    await sql(connection, (client) => client.query('select pg_drop_replication_slot($1)', [slot]));
    await setting(connection, 'archive_command', command);
  });

  it('is archived by nobody is refused where the configuration wants an archive', async () => {
    const command = await sql(server.connection, async (client) => {
      const { rows } = await client.query<{ command: string }>(`select current_setting('archive_command') as command`);
      return rows[0]!.command;
    });
    await setting(server.connection, 'archive_command', '');
    const options = baseOptions(server);
    const policy = { ...options.policy, wal: { ...options.policy.wal, store: 'local' } };
    await expect(runBackup({ ...options, policy }, testContext())).rejects.toMatchObject({
      code: 'ARCHIVE_UNCONFIGURED',
      message: expect.stringContaining('it has no archive_command'),
    });
    await setting(server.connection, 'archive_command', command);
    expect(await leftovers()).toEqual([]);
  });
});

describe('A base backup that is stopped', () => {
  it('by Ctrl-C in the middle leaves nothing, on the server either; a second one at a time is refused', async () => {
    const options = baseOptions(server);
    const reached = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const context = testContext();
    const store = slowPut(options.store, async () => {
      reached.resolve();
      await goOn.promise;
    });
    const run = runBackup({ ...options, store, walStore: options.store }, context);
    run.catch(() => {});
    await reached.promise;
    await expect(runBackup(options, testContext())).rejects.toMatchObject({
      code: 'LOCKED',
      message: expect.stringContaining('holds the lease "base"'),
    });
    expect(await atWork()).toBe(2);
    context.interrupt();
    goOn.resolve();
    await expect(run).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(await leftovers()).toEqual([]);
    await becomes(atWork, 0);
  });

  it('by a full disk says so and leaves nothing', async () => {
    const cwd = await projectOf(server);
    const cli = [path.join(projectRoot, 'bin/structdb.js'), 'backup', 'run', '--kind', 'base', '--json'];
    const child = spawn('prlimit', ['--fsize=2000000', process.execPath, ...cli, '--url', urlOf(server.connection)], {
      cwd,
      env: { PATH: process.env.PATH, HOME: scratch },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let stdout = '';
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(1);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'DISK_FULL' });
    expect(await leftovers()).toEqual([]);
    await becomes(atWork, 0);
  });

  it.each(['before', 'after'])('by kill -9 just %s its manifest is whole or not there', async (when) => {
    const { connection, storeDirectory } = server;
    const script = fileURLToPath(new URL('./killed.ts', import.meta.url));
    const what = JSON.stringify({ connection, storeDirectory, kind: 'base' });
    const before = await listed();
    const died = await runToDeath(script, [what, `${when} putIfAbsent manifest.json`]);
    expect(died).toMatchObject({ killed: true });
    const added = (await listed()).filter((label) => !before.includes(label));
    expect(added).toHaveLength(when === 'after' ? 1 : 0);
    for (const label of added) {
      expect(await verifyBackups({ ...baseOptions(server), label }, testContext())).toMatchObject([{ ok: true }]);
    }
    await becomes(atWork, 0);
    // The next run needs no waiting, and sweeps.
    const next = await runBackup(baseOptions(server), testContext());
    const folders = new Set((await filesOfBackups(server)).map((file) => file.split('/')[0]));
    expect([...folders].sort()).toEqual([...before, ...added, next.label].sort());
  });
});

describe('A damaged page of the source', () => {
  it('fails the backup, whose last good one stays', async () => {
    const { connection, dataDirectory } = server;
    const file = await sql(connection, async (client) => {
      await client.query('create table spoilt as select i from generate_series(1, 5000) i');
      await client.query('checkpoint');
      const { rows } = await client.query<{ file: string }>(`select pg_relation_filepath('spoilt') as file`);
      return path.join(dataDirectory, rows[0]!.file);
    });
    const unflip = await flip(file);
    const before = await filesOfBackups(server);
    await expect(runBackup(baseOptions(server), testContext())).rejects.toMatchObject({ code: 'SOURCE_CORRUPT' });
    expect(await filesOfBackups(server)).toEqual(before);
    await unflip();
    await sql(connection, (client) => client.query('drop table spoilt'));
  });
});

describe('A changed byte', () => {
  it('is found and named in each kind of object', async () => {
    const options = baseOptions(server);
    for (const { name } of manifest.parts) {
      const file = path.join(folderOf(server, manifest), name);
      const unflip = await flip(file);
      const [result] = await verifyBackups({ ...options, label: manifest.label }, testContext());
      expect(result!.problems).toEqual([expect.stringContaining(`${name} was altered`)]);
      await unflip();
    }
    expect(await verifyBackups({ ...options, label: manifest.label }, testContext())).toMatchObject([{ ok: true }]);
  });
});

describe('Verification with --deep', () => {
  it('looks inside the archives: a file that was swapped before anybody hashed them is named', async () => {
    const store = openDirectoryStore({ path: await mkdtemp(path.join(scratch, 'forged-')), uid: process.geteuid?.() });
    const options = { ...baseOptions(server), store, label: manifest.label, deep: true };
    execFileSync('cp', ['-a', path.join(server.storeDirectory, manifest.systemIdentifier), store.location]);
    expect(await verifyBackups(options, testContext())).toMatchObject([{ ok: true, deep: true }]);
    const folder = path.join(store.location, manifest.systemIdentifier, 'backups', manifest.label);
    await forge(folder, 'base.tar.zst', 'global/1262');
    expect(await verifyBackups({ ...options, deep: false }, testContext())).toMatchObject([{ ok: true, deep: false }]);
    const [result] = await verifyBackups(options, testContext());
    expect(result!.problems).toEqual([expect.stringMatching(/checksum mismatch for file "global\/1262"/)]);
  });
});

describe('In an encrypted store', () => {
  it('a base backup is made with the public key, and looked into with the secret one only', async () => {
    const identity = await generateIdentity();
    const identityFile = path.join(scratch, 'identity.txt');
    writeFileSync(identityFile, `${identity}\n`);
    const location = path.join(await mkdtemp(path.join(scratch, 'sealed-')), 'store');
    const open = async (file?: string) => {
      const recipients = [await identityToRecipient(identity)];
      const sealing = await openSealing({ recipients, identityFile: file, useProgram: false });
      return openDirectoryStore({ path: location, uid: process.geteuid?.(), sealing });
    };
    const store = await open();
    const { label } = await runBackup(
      baseOptions(server, { store, walStore: baseOptions(server).store }),
      testContext(),
    );
    const { manifest: own } = await showBackup({ store, label });
    expect(own.parts.map(({ name }) => name)).toEqual(manifest.parts.map(({ name }) => `${name}.age`));
    const verify = async (deep: boolean, file?: string) =>
      verifyBackups({ store: await open(file), places: testPlaces(), label, deep }, testContext());
    expect(await verify(false)).toMatchObject([{ ok: true, contentsRead: false }]);
    await expect(verify(true)).rejects.toMatchObject({ code: 'KEY_MISSING' });
    expect(await verify(true, identityFile)).toMatchObject([{ ok: true, deep: true, contentsRead: true }]);
  });
});

describeS3('In S3', () => {
  it('a base backup with a tablespace comes straight into the bucket, and is verified out of it', async () => {
    const { store } = await bucketStore();
    const local = baseOptions(server).store;
    const { label } = await runBackup(baseOptions(server, { store, walStore: local }), testContext());
    const { manifest: own } = await showBackup({ store, label });
    expect(own.parts.map(({ name }) => name)).toEqual(manifest.parts.map(({ name }) => name));
    const verify = () => verifyBackups({ store, places: testPlaces(), label, deep: true }, testContext());
    expect(await verify()).toMatchObject([{ ok: true, deep: true }]);
    const folder = `${own.systemIdentifier}/backups/${label}`;
    await store.put(`${folder}/base.tar.zst`, Readable.from([Buffer.alloc(own.parts[1]!.sizeBytes)]));
    expect((await verify())[0]!.problems).toEqual([expect.stringContaining('base.tar.zst was altered')]);
  });

  it('one that is interrupted leaves neither objects nor unfinished uploads', async () => {
    const { store, bucket } = await bucketStore();
    const context = testContext();
    const interrupting = slowPut(store, async () => context.interrupt());
    const run = runBackup(baseOptions(server, { store: interrupting, walStore: baseOptions(server).store }), context);
    await expect(run).rejects.toMatchObject({ code: 'INTERRUPTED' });
    const keys = await keysOf(store, '');
    expect(keys.filter((key) => key.includes('/backups/'))).toEqual([]);
    const client = clientOf(bucket);
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket.bucket }));
    client.destroy();
    expect(Uploads).toEqual([]);
  });
});

describe('A standby', () => {
  it('gives a base backup that restores, and a dump; one that is promoted meanwhile gives none', async () => {
    const standby = await standbyOf(server);
    const options = baseOptions(server, { connection: standby.connection });
    const { label } = await runBackup(options, testContext());
    const { manifest: own } = await showBackup({ store: options.store, label });
    expect(own).toMatchObject({ fromStandby: true, timeline: 1 });
    const root = await mkdtemp(path.join(scratch, 'of-standby-'));
    await unpackByHand(folderOf(server, own as ClusterManifest), path.join(root, 'data'), root);

    const database = { ...standby.connection, database: ODD };
    const dump = await runBackup({ ...options, kind: 'dump', connection: database }, testContext());
    // An unlogged table has no contents there.
    expect(dump).toMatchObject({ rows: 20_302, tables: 3 });
    const before = await filesOfBackups(server);

    const store = slowPut(options.store, async () => {
      await sql(standby.connection, (client) => client.query('select pg_promote()'));
    });
    await expect(runBackup({ ...options, store, walStore: options.store }, testContext())).rejects.toMatchObject({
      message: expect.stringMatching(/promoted/),
    });
    expect(await filesOfBackups(server)).toEqual(before);
  });
});

async function listed(): Promise<string[]> {
  return (await listStore(baseOptions(server)))
    .filter(({ systemIdentifier }) => systemIdentifier === manifest.systemIdentifier)
    .map(({ label }) => label);
}

/** Removes a backup that a test made, so that the others find what they know. */
async function removeOwn(label: string, systemIdentifier = manifest.systemIdentifier): Promise<void> {
  await removeBackup(openRepository(baseOptions(server).store, systemIdentifier), label);
}

/** Changes one byte of one file in an archive, and makes the manifest fit. */
async function forge(folder: string, archive: string, file: string): Promise<void> {
  const inside = await mkdtemp(path.join(scratch, 'inside-'));
  const packed = path.join(folder, archive);
  execFileSync('tar', ['--zstd', '-xf', packed, '-C', inside]);
  await flip(path.join(inside, file));
  execFileSync('tar', ['--zstd', '-cf', packed, '-C', inside, '.']);
  const content = await readFile(packed);
  const manifestFile = path.join(folder, 'manifest.json');
  const forged = JSON.parse(await readFile(manifestFile, 'utf8')) as ClusterManifest;
  const part = forged.parts.find(({ name }) => name === archive)!;
  Object.assign(part, { sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') });
  writeFileSync(manifestFile, JSON.stringify(forged));
}

/** Changes one bit in the middle; returns what changes it back. */
async function flip(file: string): Promise<() => Promise<void>> {
  const change = async () => {
    const handle = await open(file, 'r+');
    const byte = Buffer.alloc(1);
    const at = Math.floor((await handle.stat()).size / 2);
    await handle.read(byte, 0, 1, at);
    byte[0]! ^= 4;
    await handle.write(byte, 0, 1, at);
    await handle.close();
  };
  await change();
  return change;
}

async function bucketStore(): Promise<{ store: Store; bucket: S3Bucket }> {
  const bucket = await freshBucket();
  const { endpoint, region, accessKeyId, secretAccessKey } = bucket;
  const credentials = { accessKeyId, secretAccessKey };
  const store = openS3Store({
    bucket: bucket.bucket,
    endpoint,
    region,
    prefix: '',
    credentials,
    requestTimeoutMs: 30_000,
  });
  return { store, bucket };
}

async function projectOf({ storeDirectory }: ArchivingServer): Promise<string> {
  const cwd = await mkdtemp(path.join(scratch, 'p-'));
  writeFileSync(
    path.join(cwd, 'structdb.config.ts'),
    `export default { stores: { local: { type: 'directory', path: '${storeDirectory}' } } };`,
  );
  return cwd;
}

/** A standby that was made of the backup, and streams. */
async function standbyOf(primary: ArchivingServer): Promise<{ connection: ArchivingServer['connection'] }> {
  const directory = await serverDirectory('standby', primary.user);
  const target = path.join(directory, 'data');
  await unpackByHand(folderOf(primary, manifest), target, path.join(directory, 'spaces'));
  const { host, port } = primary.connection;
  const conf = await readFile(path.join(target, 'postgresql.auto.conf'), 'utf8');
  const own = await freePort();
  writeFileSync(
    path.join(target, 'postgresql.auto.conf'),
    `${conf}\nport = ${own}\nhba_file = '${target}/pg_hba.conf'\nprimary_conninfo = 'host=${host} port=${port} user=postgres'\n`,
  );
  writeFileSync(path.join(target, 'standby.signal'), '');
  if (primary.user) execFileSync('chown', ['-R', `${primary.user.uid}:${primary.user.gid}`, directory]);
  chmodSync(target, 0o700);
  const running = { programs: primary.programs, dataDirectory: target, user: primary.user };
  stops.push(() => stopServer({ ...running, mode: 'immediate' }));
  await startServer({ ...running, logFile: path.join(directory, 'server.log') }, testContext());
  return { connection: { ...primary.connection, port: own } };
}
