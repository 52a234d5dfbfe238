import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { pinBackup, pruneBackups, unpinBackup } from '../../src/backup/index.ts';
import { configSchema } from '../../src/config/schema.ts';
import { listBackups } from '../../src/repository/backups.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import { openS3Store } from '../../src/storage/s3-store.ts';
import { findFlaws, findLeftovers, ownRepository, plantTwoMonths } from '../backup/planted.ts';
import { killedCopy } from '../backup/prune-killed.ts';
import { actor } from '../backup/support.ts';
import { keysOf } from '../storage/store-contract.ts';
import { testContext } from '../support/context.ts';
import { useServer } from '../support/postgres.ts';
import { describeS3, freshBucket } from '../support/s3.ts';
import { scratchDirectory } from '../support/scratch.ts';

const server = useServer();
const scratch = await scratchDirectory();

it('A prune killed at any point leaves whole backups only, and the next one ends what it began', async () => {
  const connection = await server.createOwnedDatabase();
  const location = path.join(await mkdtemp(path.join(scratch, 'prune-')), 'store');
  const store = openDirectoryStore({ path: location, uid: process.geteuid?.() });
  const repository = await ownRepository(store, connection);
  await plantTwoMonths(repository, connection.database);
  const whole = await killedCopy(store, connection, scratch, 0);
  const labels = async (of: typeof store) =>
    (await listBackups({ ...repository, store: of })).map(({ label }) => label);
  const expected = await labels(whole.store);
  const { points } = whole.died;
  // Leases are tried with leases; what differs here is what is removed.
  const first = points.findIndex((name) => name.includes('step backup.prune')) + 1;
  const last = points.findLastIndex((name) => name.includes('.zst')) + 1;
  expect([first > 0, last > first]).toEqual([true, true]);
  for (let point = first; point <= last; point += 1) {
    const killed = await killedCopy(store, connection, scratch, point);
    const own = { ...repository, store: killed.store };
    expect(killed.died.killed).toBe(true);
    expect(await findFlaws(own)).toEqual([]);
    await pruneBackups(
      { connection, openStore: async () => killed.store, policy: configSchema.parse({}).backup, actor },
      testContext(),
    );
    expect([await findFlaws(own), await findLeftovers(own)]).toEqual([[], []]);
    expect(await labels(killed.store)).toEqual(expected);
  }
}, 180_000);

describeS3('In S3', () => {
  it('a prune removes the same as in a directory, WAL included, and pins are found', async () => {
    const connection = await server.createOwnedDatabase();
    const { bucket, endpoint, region, accessKeyId, secretAccessKey } = await freshBucket();
    const store = openS3Store({
      ...{ bucket, prefix: 'prod', endpoint, region, requestTimeoutMs: 20_000 },
      credentials: { accessKeyId, secretAccessKey },
    });
    const repository = await ownRepository(store, connection);
    const all = await plantTwoMonths(repository, connection.database);
    const options = { connection, openStore: async () => store, policy: configSchema.parse({}).backup, actor };
    await pinBackup({ store, label: all.lastMonth, actor }, testContext());
    expect(await pruneBackups(options, testContext())).toMatchObject({ removed: [all.oldest], removedSegments: 3 });
    await unpinBackup({ store, label: all.lastMonth, actor }, testContext());
    expect(await pruneBackups(options, testContext())).toMatchObject({ removed: [all.lastMonth], removedSegments: 0 });
    expect([await findFlaws(repository), await findLeftovers(repository)]).toEqual([[], []]);
    const keys = await keysOf(store, '');
    expect(keys.filter((key) => key.includes(all.oldest) || key.includes(all.lastMonth))).toEqual([]);
    expect(keys.filter((key) => key.includes('/wal/'))).toHaveLength(5);
  });
});
