import { utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { CreateMultipartUploadCommand } from '@aws-sdk/client-s3';
import { expect, it } from '@jest/globals';
import { systemClock } from '../../src/core/clock.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import { probeStore, type StoreProbe } from '../../src/storage/probe.ts';
import { openS3Store } from '../../src/storage/s3-store.ts';
import { TEMPORARY_PREFIX } from '../../src/storage/store.ts';
import { FakeS3, refuse } from '../support/fake-s3.ts';
import { clientOf, describeS3, freshBucket } from '../support/s3.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { keysOf } from './store-contract.ts';

const scratch = await scratchDirectory();
const CHECKS = ['write', 'read', 'list', 'note', 'clock', 'conditional', 'delete', 'leftovers'];
const failed = ({ findings }: StoreProbe) => findings.filter(({ ok }) => !ok).map(({ check }) => check);

async function fakeStore(conditionalWrites: 'enforced' | 'checked') {
  const fake = await new FakeS3().start();
  const store = openS3Store({
    ...{ bucket: 'bucket', prefix: '', endpoint: fake.endpoint, region: 'us-east-1', requestTimeoutMs: 5000 },
    credentials: { accessKeyId: 'AK', secretAccessKey: 'secret-key' },
    conditionalWrites,
  });
  return { fake, store };
}

it('A good directory passes every check of a probe and is empty afterwards', async () => {
  const store = openDirectoryStore({ path: path.join(scratch, 'good'), uid: process.geteuid?.() });
  const probe = await probeStore(store, systemClock);
  expect(probe).toMatchObject({ ok: true, location: store.location });
  expect(probe.findings.map(({ check }) => check)).toEqual(CHECKS);
  expect(Math.abs(probe.skewMs!)).toBeLessThan(60_000);
  expect(await keysOf(store, '')).toEqual([]);
});

it('A probe tells of temporary files that a killed writer left long ago, and not of those of today', async () => {
  const root = await mkdtemp(path.join(scratch, 'left-'));
  const store = openDirectoryStore({ path: root, uid: process.geteuid?.() });
  writeFileSync(path.join(root, `${TEMPORARY_PREFIX}young`), 'x');
  expect(failed(await probeStore(store, systemClock))).toEqual([]);
  writeFileSync(path.join(root, `${TEMPORARY_PREFIX}old`), 'x'.repeat(5000));
  utimesSync(path.join(root, `${TEMPORARY_PREFIX}old`), 1, 1);
  const probe = await probeStore(store, systemClock);
  expect(failed(probe)).toEqual(['leftovers']);
  expect(probe.findings.at(-1)?.message).toContain('1 interrupted write left something');
});

it.each(['enforced', 'checked'] as const)('A probe finds a server that ignores conditions (%s)', async (mode) => {
  const { fake, store } = await fakeStore(mode);
  expect(failed(await probeStore(store, systemClock))).toEqual([]);
  fake.ignoresConditions = true;
  const probe = await probeStore(store, systemClock);
  expect(failed(probe)).toContain('conditional');
  expect([...fake.objects.keys()]).toEqual([]);
});

it('A probe of a store that refuses is one finding with what to do', async () => {
  const { fake, store } = await fakeStore('enforced');
  fake.meet(/./, refuse(403, 'SignatureDoesNotMatch'), 100);
  const { ok, findings } = await probeStore(store, systemClock);
  expect({ ok, checks: findings.map(({ check }) => check) }).toEqual({ ok: false, checks: ['write'] });
  expect(findings[0]).toMatchObject({
    message: expect.stringContaining('the secret key is wrong'),
    hint: expect.stringContaining('secretAccessKey'),
  });
});

describeS3('In Ceph', () => {
  it('a bucket passes every check, and an upload of yesterday is found', async () => {
    const { bucket, endpoint, region, accessKeyId, secretAccessKey } = await freshBucket();
    const store = openS3Store({
      ...{ bucket, endpoint, region, prefix: 'p', requestTimeoutMs: 30_000 },
      credentials: { accessKeyId, secretAccessKey },
    });
    const client = clientOf({ endpoint, region, accessKeyId, secretAccessKey });
    await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'p/abandoned' }));
    client.destroy();
    const probe = await probeStore(store, systemClock);
    expect(probe).toMatchObject({ ok: true });
    expect(probe.findings.map(({ check }) => check)).toEqual(CHECKS);
    expect(await keysOf(store, '')).toEqual([]);
    const later = new Date(Date.now() + 25 * 60 * 60 * 1000);
    const tomorrow = await probeStore(store, { ...systemClock, now: () => later });
    expect(failed(tomorrow)).toEqual(['clock', 'leftovers']);
  });
});
