import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { openS3Store, type S3StoreOptions } from '../../src/storage/s3-store.ts';
import { readObject } from '../../src/storage/store.ts';
import {
  breakOff,
  errorInside,
  FakeS3,
  type Fault,
  hang,
  loseAnswer,
  refuse,
  resetBefore,
  stall,
} from '../support/fake-s3.ts';
import { keysOf, streamOf } from './store-contract.ts';

const emptyAnswer: Fault = ({ response }) => void response.end();
const QUICK = { attempts: 5, attemptsUntilReached: 3, firstPauseMs: 1, longestPauseMs: 2 };
const SECRET = 'a-secret-that-must-not-be-shown';

async function open(options: Partial<S3StoreOptions> = {}) {
  const fake = await new FakeS3().start();
  const store = openS3Store({
    bucket: 'bucket',
    prefix: 'p',
    endpoint: fake.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKFAKE', secretAccessKey: SECRET },
    requestTimeoutMs: 300,
    conditionalWrites: 'enforced',
    retry: QUICK,
    ...options,
  });
  return { fake, store };
}

describe('An S3 store whose server stumbles', () => {
  const passing: readonly (readonly [string, Fault])[] = [
    ['500', refuse(500, 'InternalError')],
    ['503', refuse(503, 'SlowDown')],
    ['429', refuse(429, 'TooManyRequests')],
    ['408', refuse(408, 'RequestTimeout')],
    ['a conflict of two writers (409)', refuse(409, 'ConditionalRequestConflict')],
    ['a connection that is reset', resetBefore],
    ['no answer at all', hang],
  ];
  it.each(passing)('gets over %s in every operation', async (_name, fault) => {
    const { fake, store } = await open();
    fake.objects.set('p/there', { body: Buffer.from('content'), metadata: {} });
    fake.meet(/^PUT .*once/, fault);
    expect(await store.putIfAbsent('once', Buffer.from('x'))).toBe(true);
    fake.meet(/^PUT .*streamed/, fault);
    await store.put('streamed', streamOf([Buffer.from('y')]));
    fake.meet(/^GET .*there/, fault);
    expect((await readObject(store, 'there')).toString()).toBe('content');
    fake.meet(/^HEAD /, fault);
    expect(await store.head('there')).toMatchObject({ sizeBytes: 7 });
    fake.meet(/^GET \/bucket\/?\?list/, fault);
    expect(await keysOf(store, '')).toEqual(['once', 'streamed', 'there']);
    fake.meet(/^DELETE /, fault);
    await store.delete('there');
    expect({ keys: [...fake.objects.keys()], unmet: fake.unmetFaults }).toEqual({
      keys: ['p/once', 'p/streamed'],
      unmet: 0,
    });
  });

  it('gives up after its attempts, with one line that names what, where and why', async () => {
    const { fake, store } = await open();
    fake.meet(/^GET .*k/, refuse(500, 'InternalError'), 10);
    const failure = await store.get('k').catch((error) => error);
    expect(failure).toMatchObject({ code: 'STORE_FAILED' });
    expect(failure.message).toBe(
      `Cannot read k from the store s3://bucket/p (${fake.endpoint}): it answered 500 InternalError.`,
    );
    expect(fake.log).toHaveLength(QUICK.attempts);
  });

  it('gives up on one that only takes connections before the user does', async () => {
    const { fake, store } = await open();
    await store.head('k');
    fake.log.length = 0;
    fake.meet(/^GET .*k/, hang, 10);
    await expect(store.get('k')).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('nothing moved for too long'),
    });
    expect(fake.log).toHaveLength(QUICK.attemptsUntilReached);
  });

  it.each([
    ['reset in the middle', breakOff],
    ['stalled in the middle', stall],
  ])('goes on by range where a body was %s', async (_name, fault) => {
    const { fake, store } = await open();
    const body = randomBytes(600_000);
    fake.objects.set('p/large', { body, metadata: {} });
    fake.meet(/^GET .*large/, fault, 3);
    expect((await readObject(store, 'large')).equals(body)).toBe(true);
    expect(fake.log).toHaveLength(4);
  });

  it('goes on within the range that was asked for', async () => {
    const { fake, store } = await open();
    const body = randomBytes(600_000);
    fake.objects.set('p/large', { body, metadata: {} });
    fake.meet(/^GET .*large/, breakOff, 2);
    const chunks: Buffer[] = [];
    for await (const chunk of await store.get('large', { start: 1000, end: 500_000 })) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).equals(body.subarray(1000, 500_001))).toBe(true);
  });

  it('never takes a whole body for a range, as a proxy that ignores ranges sends it', async () => {
    const { fake, store } = await open();
    fake.objects.set('p/k', { body: randomBytes(600_000), metadata: {} });
    const ignoring: Fault = (exchange) => {
      delete exchange.request.headers.range;
      exchange.serve();
    };
    fake.meet(/^GET .*k/, ignoring);
    await expect(store.get('k', { start: 10 })).rejects.toMatchObject({ code: 'STORE_FAILED' });
    fake.meet(/^GET .*k/, breakOff);
    fake.meet(/^GET .*k/, ignoring, 10);
    await expect(readObject(store, 'k')).rejects.toMatchObject({ code: 'STORE_FAILED' });
  });

  it('never takes a part of a list for the whole', async () => {
    const { fake, store } = await open();
    fake.meet(/^GET \/bucket\/?\?list/, ({ response }) => {
      response.end('<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>');
    });
    await expect(keysOf(store, '')).rejects.toMatchObject({ code: 'STORE_FAILED' });
  });

  it('signs by the clock of the server when its own is wrong', async () => {
    const { fake, store } = await open();
    fake.objects.set('p/k', { body: Buffer.from('x'), metadata: {} });
    const ahead = new Date(Date.now() + 3_600_000);
    fake.meet(/^GET .*k/, (exchange) => {
      exchange.response.setHeader('date', ahead.toUTCString());
      return refuse(403, 'RequestTimeTooSkewed')(exchange);
    });
    let signed = '';
    fake.meet(/^GET .*k/, ({ request, serve }) => {
      signed = String(request.headers['x-amz-date']);
      serve();
    });
    expect((await readObject(store, 'k')).toString()).toBe('x');
    expect(signed.slice(0, 11)).toBe(ahead.toISOString().replace(/[-:]/g, '').slice(0, 11));
  });

  it('never joins two objects when one is replaced while it is read', async () => {
    const { fake, store } = await open();
    fake.objects.set('p/k', { body: Buffer.alloc(600_000, 1), metadata: {} });
    fake.meet(/^GET .*k/, (exchange) => {
      breakOff(exchange);
      fake.objects.set('p/k', { body: Buffer.alloc(600_000, 2), metadata: {} });
    });
    await expect(readObject(store, 'k')).rejects.toMatchObject({ code: 'STORE_FAILED' });
  });

  it('fails when a body stays cut, and does not call it whole', async () => {
    const { fake, store } = await open();
    fake.objects.set('p/k', { body: randomBytes(100_000), metadata: {} });
    fake.meet(/^GET .*k/, breakOff);
    fake.meet(/^GET .*k/, resetBefore, 20);
    await expect(readObject(store, 'k')).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('the connection broke off'),
    });
  });
});

describe('putIfAbsent in S3', () => {
  it('knows its own write after a lost answer: the second attempt meets 412', async () => {
    const { fake, store } = await open();
    fake.meet(/^PUT /, loseAnswer);
    expect(await store.putIfAbsent('wal/1', Buffer.from('segment'), { plainSha256: 'a'.repeat(64) })).toBe(true);
    expect(fake.log.map((line) => line.split(' ')[0])).toEqual(['PUT', 'PUT', 'HEAD']);
    expect(await store.plainSha256('wal/1')).toBe('a'.repeat(64));
  });

  it('does not take the write of another for its own, not even one of equal bytes', async () => {
    const { fake, store } = await open();
    fake.meet(/^PUT /, (exchange) => {
      // The request never arrives; another writer comes first.
      fake.objects.set('p/lease', { body: exchange.body, metadata: { 'write-id': 'of-another' } });
      resetBefore(exchange);
    });
    expect(await store.putIfAbsent('lease', Buffer.from('same'))).toBe(false);
  });

  it('knows its own write when a proxy sent it twice', async () => {
    const { fake, store } = await open();
    fake.meet(/^PUT /, ({ serveSilently, serve }) => {
      serveSilently();
      serve();
    });
    expect(await store.putIfAbsent('k', Buffer.from('x'))).toBe(true);
  });

  it('compares the bytes where the server keeps no metadata', async () => {
    const { fake, store } = await open();
    const forgetful: Fault = ({ body, response }) => {
      fake.objects.set('p/k', { body, metadata: {} });
      response.socket?.destroy();
    };
    fake.meet(/^PUT /, forgetful);
    expect(await store.putIfAbsent('k', Buffer.from('mine'))).toBe(true);
    expect(await store.putIfAbsent('k', Buffer.from('else'))).toBe(false);
  });

  it('fails, and says nothing of success, when every answer is lost', async () => {
    const { fake, store } = await open();
    fake.meet(/^PUT /, resetBefore, 10);
    await expect(store.putIfAbsent('k', Buffer.from('x'))).rejects.toMatchObject({ code: 'STORE_FAILED' });
  });

  it('does not overwrite on a server that ignores the condition', async () => {
    const { fake, store } = await open({ conditionalWrites: 'checked' });
    fake.objects.set('p/k', { body: Buffer.from('old'), metadata: {} });
    expect(await store.putIfAbsent('k', Buffer.from('new'))).toBe(false);
    expect(fake.log.filter((line) => line.startsWith('PUT'))).toEqual([]);
  });
});

describe('An upload in parts', () => {
  const body = randomBytes(9 * 1024 * 1024);

  it.each([
    ['500 for a part', /^PUT .*partNumber=1/, refuse(500, 'InternalError')],
    ['a reset part', /^PUT .*partNumber=2/, resetBefore],
    ['an error inside 200 at the end', /^POST .*uploadId/, errorInside],
    ['an empty 200 at the end', /^POST .*uploadId/, emptyAnswer],
    ['a lost answer at the end', /^POST .*uploadId/, loseAnswer],
  ] as const)('gets over %s', async (_name, fits, fault) => {
    const { fake, store } = await open();
    fake.meet(fits, fault);
    expect(await store.put('big', streamOf([body]))).toMatchObject({ sizeBytes: body.length });
    expect(fake.objects.get('p/big')?.body.equals(body)).toBe(true);
    expect({ unmet: fake.unmetFaults, uploads: fake.uploads.size }).toEqual({ unmet: 0, uploads: 0 });
  });

  it.each([
    ['an error inside every 200', /^POST .*uploadId/, errorInside],
    ['a part that is refused', /^PUT .*partNumber=2/, refuse(403, 'AccessDenied')],
  ] as const)('is aborted and leaves no object after %s', async (_name, fits, fault) => {
    const { fake, store } = await open();
    fake.meet(fits, fault, 10);
    await expect(store.put('big', streamOf([body]))).rejects.toMatchObject({ code: /STORE_FAILED|STORE_DENIED/ });
    expect({ objects: fake.objects.size, uploads: fake.uploads.size }).toEqual({ objects: 0, uploads: 0 });
  });

  it('that a server calls complete without keeping it is an error', async () => {
    const { fake, store } = await open();
    fake.meet(/^POST .*uploadId/, ({ serve }) => {
      serve();
      fake.objects.set('p/big', { body: Buffer.from('short'), metadata: {} });
    });
    await expect(store.put('big', streamOf([body]))).rejects.toMatchObject({ code: 'STORE_FAILED' });
  });
});

describe('An S3 store that is refused', () => {
  it.each([
    ['AccessDenied', 403, 'STORE_DENIED', 'access was denied'],
    ['SignatureDoesNotMatch', 403, 'STORE_DENIED', 'the secret key is wrong'],
    ['InvalidAccessKeyId', 403, 'STORE_DENIED', 'it does not know the access key'],
    ['ExpiredToken', 400, 'STORE_DENIED', 'the credentials have expired'],
    ['RequestTimeTooSkewed', 403, 'CLOCK_SKEW', 'differ too much'],
    ['NoSuchBucket', 404, 'BUCKET_MISSING', 'there is no bucket "bucket"'],
    ['AuthorizationHeaderMalformed', 400, 'STORE_FAILED', 'is not in region us-east-1'],
    ['QuotaExceeded', 403, 'DISK_FULL', 'it is full'],
    ['NotImplemented', 501, 'STORE_FAILED', 'it answered 501 NotImplemented'],
  ] as const)('says so at once for %s', async (name, status, code, why) => {
    const { fake, store } = await open();
    for (const attempt of [
      () => keysOf(store, ''),
      () => store.putIfAbsent('k', Buffer.from('x')),
      () => store.head('k'),
    ]) {
      fake.log.length = 0;
      fake.meet(/./, refuse(status, name), 2);
      const failure = await attempt().catch((error: unknown) => error as Error);
      if (name === 'NoSuchBucket' && fake.log[0]?.startsWith('HEAD')) continue;
      expect(failure).toMatchObject({ code, message: expect.stringContaining(why) });
      expect(JSON.stringify([failure, (failure as Error).message])).not.toContain(SECRET);
      while (fake.unmetFaults > 0) await store.delete('nothing').catch(() => {});
    }
  });

  it('never calls an object absent because the bucket is', async () => {
    const { store } = await open({ bucket: 'another' });
    const missing = { code: 'BUCKET_MISSING', message: expect.stringContaining('there is no bucket "another"') };
    await expect(store.head('k')).rejects.toMatchObject(missing);
    await expect(store.get('k')).rejects.toMatchObject(missing);
    await expect(store.plainSha256('k')).rejects.toMatchObject(missing);
    await expect(store.putIfAbsent('k', Buffer.from('x'))).rejects.toMatchObject(missing);
  });

  it('gives up soon when nothing answers at all', async () => {
    const { store } = await open({ endpoint: 'http://127.0.0.1:9' });
    await expect(keysOf(store, '')).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('nothing answers there (connection refused)'),
    });
  });
});
