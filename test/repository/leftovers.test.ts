import { CreateMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { expect, it } from '@jest/globals';
import { listBackups, listLeftovers, removeBackup } from '../../src/repository/backups.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { openS3Store } from '../../src/storage/s3-store.ts';
import { clientOf, describeS3, freshBucket } from '../support/s3.ts';

describeS3('In Ceph', () => {
  it('what a run left that was killed in its first upload is found by its series, and removed', async () => {
    const { bucket, endpoint, region, accessKeyId, secretAccessKey } = await freshBucket();
    const credentials = { accessKeyId, secretAccessKey };
    const store = openS3Store({ bucket, endpoint, region, prefix: 'p', credentials, requestTimeoutMs: 30_000 });
    const repository = openRepository(store, '7312345678901234567');
    const client = clientOf({ endpoint, region, accessKeyId, secretAccessKey });
    const labels = [
      '20261124T020000.000Z-dump-one',
      '20261124T020000.000Z-dump-other',
      '20261123T020000.000Z-dump-one',
    ];
    for (const label of labels) {
      const Key = `p/${repository.keys.part(label, 'dump.pgdump')}`;
      await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
    }
    await store.putIfAbsent(repository.keys.manifest(labels[2]!), Buffer.from('{}'));
    const series = { kind: 'dump', database: 'one' } as const;
    expect(await listLeftovers(repository, series)).toEqual([labels[0]]);
    expect((await listBackups(repository)).map(({ label }) => label)).toEqual([labels[2]]);
    await removeBackup(repository, labels[0]!);
    expect(await listLeftovers(repository, series)).toEqual([]);
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    expect(Uploads.map(({ Key }) => Key!.split('/').at(-2))).toEqual([labels[2], labels[1]]);
    client.destroy();
  });
});
