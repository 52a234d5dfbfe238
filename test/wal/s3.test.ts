import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { openRepository } from '../../src/repository/repository.ts';
import { listWal, readWal } from '../../src/repository/wal-archive.ts';
import { openStoreOf } from '../../src/storage/open-store.ts';
import type { Store } from '../../src/storage/store.ts';
import { receiveWal } from '../../src/wal/index.ts';
import { testContext } from '../support/context.ts';
import { testPlaces } from '../support/environment.ts';
import { FakeS3, refuse } from '../support/fake-s3.ts';
import { describeS3, freshBucket } from '../support/s3.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { newArchive, newCluster, type TestCluster, until } from './support.ts';

let cluster: TestCluster;
let folder: string;
let segments: string[];

/** A stopped server's pg_wal in which some segments wait. */
beforeAll(async () => {
  cluster = await newCluster({ archive_mode: 'on', archive_command: 'false' });
  for (let n = 0; n < 3; n += 1) {
    await cluster.query(
      `create table load_${n} as select repeat(md5(g::text), 20) as filler from generate_series(1, 500) g`,
    );
    await cluster.query('select pg_switch_wal()');
  }
  folder = path.join(cluster.dataDirectory, 'pg_wal');
  segments = (await readdir(path.join(folder, 'archive_status')))
    .filter((name) => /^[0-9A-F]{24}\.ready$/.test(name))
    .map((name) => name.slice(0, 24))
    .sort();
});

async function target(): Promise<string> {
  const own = path.join(await scratchDirectory(), 'pg_wal');
  await mkdir(own);
  return path.join(own, 'RECOVERYXLOG');
}

async function settingsOfBucket(encryption?: { recipients: string[] }) {
  const { bucket, endpoint, region, accessKeyId, secretAccessKey } = await freshBucket();
  const credentials = { accessKeyId, secretAccessKey };
  return {
    type: 's3' as const,
    bucket,
    prefix: 'prod',
    endpoint,
    region,
    ...credentials,
    requestTimeout: 30_000,
    encryption,
  };
}

const open = (settings: Awaited<ReturnType<typeof settingsOfBucket>>): Promise<Store> =>
  openStoreOf(settings, { uid: process.geteuid?.() });

describeS3('WAL in S3', () => {
  it('is pushed by the bundled program, never overwritten, and fetched whole', async () => {
    const store = await settingsOfBucket();
    const archive = await newArchive(cluster, { store });
    // Only the server's user may read the secret.
    const json = path.join(archive.folder, 'archive', 'archive.json');
    expect(JSON.parse(await readFile(json, 'utf8')).store.secretAccessKey).toBe(store.secretAccessKey);
    expect((await stat(json)).mode & 0o777).toBe(0o600);

    const file = path.join(folder, segments[0]!);
    for (let time = 0; time < 2; time += 1) {
      expect(await archive.run(['push', file])).toEqual({ exitCode: 0, signal: null, stderr: '' });
    }
    const other = path.join(await scratchDirectory(), segments[0]!);
    await writeFile(other, (await readFile(file)).fill(1, 9000, 9100));
    expect(await archive.run(['push', other])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('another content'),
    });

    const place = await target();
    expect((await archive.run(['fetch', segments[0]!, place])).exitCode).toBe(0);
    expect((await readFile(place)).equals(await readFile(file))).toBe(true);
    expect((await archive.run(['fetch', '00000009.history', place])).exitCode).toBe(1);
    expect((await archive.run(['fetch', '0000000100000009000000AA', place])).exitCode).toBe(1);
  });

  it('is encrypted for its recipients, and comes back with the identity', async () => {
    const { generateX25519Identity, identityToRecipient } = await import('age-encryption');
    const identity = await generateX25519Identity();
    const store = await settingsOfBucket({ recipients: [await identityToRecipient(identity)] });
    const archive = await newArchive(cluster, { store });
    const file = path.join(folder, segments[0]!);
    for (let time = 0; time < 2; time += 1) expect((await archive.run(['push', file])).exitCode).toBe(0);
    const listing = await listWal(openRepository(await open(store), cluster.systemIdentifier));
    expect(listing.segments.get(segments[0]!)?.key).toMatch(/\.zst\.age$/);
    const place = await target();
    expect(await archive.run(['fetch', segments[0]!, place])).toMatchObject({
      exitCode: 200,
      stderr: expect.stringContaining('identity'),
    });
    const identityFile = path.join(await scratchDirectory(), 'key.txt');
    await writeFile(identityFile, `${identity}\n`);
    const restoring = await newArchive(cluster, {
      store: { ...store, encryption: { ...store.encryption!, identityFile } },
    });
    expect((await restoring.run(['fetch', segments[0]!, place])).exitCode).toBe(0);
    expect((await readFile(place)).equals(await readFile(file))).toBe(true);
  });

  it('is streamed by wal receive', async () => {
    const store = await open(await settingsOfBucket());
    const context = testContext();
    const actor = { host: 'test', user: 'test', command: 'wal receive' };
    const spoolDirectory = path.join(await scratchDirectory(), 'spool');
    const { connection } = cluster;
    const options = {
      connection,
      store,
      places: testPlaces(),
      actor,
      slot: 'structdb_s3',
      spoolDirectory,
      heartbeat: false,
    };
    const received = receiveWal(options, context);
    const repository = openRepository(store, cluster.systemIdentifier);
    const write = () => cluster.query(`select pg_logical_emit_message(true, 'test', repeat('x', 50000))`);
    await write();
    await until('the open segment is uploaded', async () => (await listWal(repository)).partials.length === 1);
    const [{ name } = {}] = await cluster.query('select pg_walfile_name(pg_switch_wal()) as name');
    await write();
    await until('the closed one is stored', async () => (await listWal(repository)).segments.has(name!));
    await until('its uploads are gone', async () =>
      (await listWal(repository)).partials.every((each) => each.name !== name),
    );
    context.interrupt();
    expect((await received).segments).toBeGreaterThan(0);
    expect((await readWal(repository, name!))!.equals(await readFile(path.join(folder, name!)))).toBe(true);
  });
});

describe('a store that answers with an error', () => {
  it.each([
    [403, 'AccessDenied'],
    [500, 'InternalError'],
    [503, 'SlowDown'],
  ])('%i: fetch never takes it for "not there", push ends with 1', async (status, code) => {
    const fake = await new FakeS3().start();
    const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' };
    const store = {
      type: 's3' as const,
      bucket: 'bucket',
      prefix: 'p',
      endpoint: fake.endpoint,
      region: 'x',
      ...credentials,
      requestTimeout: 2000,
    };
    const archive = await newArchive(cluster, { store, timeoutMs: 3000 });
    fake.meet(/./, refuse(status, code), 1000);
    const place = await target();
    const [fetched, pushed] = await Promise.all([
      archive.run(['fetch', segments[0]!, place]),
      archive.run(['push', path.join(folder, segments[0]!)]),
    ]);
    expect({ fetched: fetched.exitCode, pushed: pushed.exitCode }).toEqual({ fetched: 200, pushed: 1 });
    expect(fetched.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(await readdir(path.dirname(place))).toEqual([]);
  });
});
