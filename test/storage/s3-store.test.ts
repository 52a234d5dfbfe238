import { Readable } from 'node:stream';
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { expect, it } from '@jest/globals';
import { ResumingBody } from '../../src/storage/s3-body.ts';
import { openS3Store, type S3StoreOptions } from '../../src/storage/s3-store.ts';
import { uploadStream } from '../../src/storage/s3-upload.ts';
import { readObject } from '../../src/storage/store.ts';
import { clientOf, describeS3, freshBucket, type S3Bucket } from '../support/s3.ts';
import { describeStoreContract, keysOf, streamOf } from './store-contract.ts';

const optionsOf = ({ bucket, endpoint, region, accessKeyId, secretAccessKey }: S3Bucket): S3StoreOptions => ({
  ...{ bucket, endpoint, region, prefix: 'team/prod' },
  credentials: { accessKeyId, secretAccessKey },
  requestTimeoutMs: 30_000,
});

describeS3('In Ceph', () => {
  describeStoreContract('An S3 bucket', async () =>
    openS3Store({ ...optionsOf(await freshBucket()), conditionalWrites: 'enforced' }),
  );

  it('sees nothing outside its prefix', async () => {
    const bucket = await freshBucket();
    const one = openS3Store(optionsOf(bucket));
    const other = openS3Store({ ...optionsOf(bucket), prefix: 'team/pro' });
    const whole = openS3Store({ ...optionsOf(bucket), prefix: '' });
    await one.putIfAbsent('a', Buffer.from('1'));
    await other.putIfAbsent('b', Buffer.from('2'));
    expect([await keysOf(one, ''), await keysOf(other, '')]).toEqual([['a'], ['b']]);
    expect(await keysOf(whole, '')).toEqual(['team/pro/b', 'team/prod/a']);
    expect(await whole.folders('team/')).toEqual(['pro', 'prod']);
  });

  it('sweeps abandoned uploads below a prefix, and no others', async () => {
    const bucket = await freshBucket();
    const client = clientOf(bucket);
    for (const Key of ['team/prod/s/one', 'team/prod/s/two', 'team/prod/other']) {
      await client.send(new CreateMultipartUploadCommand({ Bucket: bucket.bucket, Key }));
    }
    expect(await openS3Store(optionsOf(bucket)).sweep('s/')).toBe(2);
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket.bucket }));
    expect(Uploads.map(({ Key }) => Key)).toEqual(['team/prod/other']);
    client.destroy();
  });

  it.each([
    ['a wrong secret key', { secretAccessKey: 'wrong-secret-key' }, 'STORE_DENIED', 'the secret key is wrong'],
    ['an unknown access key', { accessKeyId: 'AKUNKNOWN' }, 'STORE_DENIED', 'it does not know the access key'],
    ['a missing bucket', { bucket: 'no-such-bucket' }, 'BUCKET_MISSING', 'there is no bucket "no-such-bucket"'],
  ])('refuses %s with one clear line in every operation', async (_name, wrong, code, why) => {
    const store = openS3Store(optionsOf({ ...(await freshBucket()), ...wrong }));
    const refusal = { code, message: expect.stringContaining(why) };
    await expect(keysOf(store, '')).rejects.toMatchObject(refusal);
    await expect(store.head('k')).rejects.toMatchObject(refusal);
    await expect(store.get('k')).rejects.toMatchObject(refusal);
    await expect(store.put('k', streamOf([Buffer.from('x')]))).rejects.toMatchObject(refusal);
    await expect(store.putIfAbsent('k', Buffer.from('x'))).rejects.toMatchObject(refusal);
    await expect(store.sweep('')).rejects.toMatchObject(refusal);
  });
});

it('Parts grow, so that 10,000 of them hold more than two tebibytes, with less than 100 MiB in memory', async () => {
  const { LAST_PART, partSizeBytes } = await import('../../src/storage/s3-upload.ts');
  let total = 0;
  for (let number = 1; number <= LAST_PART; number += 1) {
    if (total < 300 * 1024 ** 3) expect(partSizeBytes(number)).toBeLessThanOrEqual(64 * 1024 ** 2);
    total += partSizeBytes(number);
  }
  expect(total).toBeGreaterThan(2 * 1024 ** 4);
});

it('Growing parts arrive whole and in order, few at once', async () => {
  const parts: Buffer[] = [];
  let sending = 0;
  let most = 0;
  let finished = Buffer.alloc(0);
  const sender = {
    whole: async () => {},
    begin: async () => 'id',
    part: async (_id: string, number: number, body: Uint8Array) => {
      sending += 1;
      most = Math.max(most, sending);
      await new Promise((resolve) => setTimeout(resolve, number % 3));
      parts[number - 1] = Buffer.from(body);
      sending -= 1;
      return { PartNumber: number, ETag: 'e' };
    },
    complete: async () => {
      finished = Buffer.concat(parts);
    },
    abort: async () => {},
  };
  const chunks = Array.from({ length: 300 }, (_, index) => Buffer.alloc(index, index));
  const written = await uploadStream(sender, streamOf(chunks), (number) => 100 * (number + 1));
  expect(finished.equals(Buffer.concat(chunks))).toBe(true);
  expect(written.sizeBytes).toBe(finished.length);
  expect(most).toBeLessThanOrEqual(4);
  expect(parts[0]!.length).toBe(200);
});

it('A body that ends early without an error is taken up again where it ended', async () => {
  const whole = Buffer.from('0123456789');
  const opened = (offset: number, end?: number) => {
    const bytes = whole.subarray(offset, end);
    return {
      body: Readable.from(bytes.length ? [bytes] : [], { objectMode: false }),
      sizeBytes: whole.length - offset,
    };
  };
  const reopened: number[] = [];
  const body = new ResumingBody({
    first: opened(0, 4),
    reopen: async (offset) => {
      reopened.push(offset);
      return opened(offset);
    },
    mayResume: async () => true,
    translate: (error) => error,
  });
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  expect({ read: Buffer.concat(chunks).toString(), reopened }).toEqual({ read: '0123456789', reopened: [4] });
});

it('A store is opened without a word to the server, and its location holds no secret', async () => {
  const store = openS3Store({
    ...{ bucket: 'b-1', prefix: 'p', endpoint: 'http://127.0.0.1:9', region: 'x', requestTimeoutMs: 1 },
    credentials: { accessKeyId: 'AK', secretAccessKey: 'hidden-secret' },
  });
  expect(store.location).toBe('s3://b-1/p');
  await expect(readObject(store, 'a')).rejects.toMatchObject({ code: 'STORE_FAILED' });
});
