import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { HeadObjectCommandOutput, MultipartUpload } from '@aws-sdk/client-s3';
import type { StoreConfig } from '../config/schema.ts';
import { codeOf, StructdbError } from '../core/errors.ts';
import { type Opened, ResumingBody } from './s3-body.ts';
import type { S3Connection } from './s3-client.ts';
import { translateS3Error } from './s3-errors.ts';
import {
  isRetryable,
  isTimeout,
  nameOf,
  pause,
  RETRY_POLICY,
  type RetryPolicy,
  statusOf,
  withRetries,
} from './s3-retry.ts';
import { type PartSender, uploadStream } from './s3-upload.ts';
import type { Sealing } from './sealing.ts';
import {
  type ByteRange,
  type PutIfAbsentOptions,
  requireKey,
  type Store,
  type StoredObject,
  type Written,
} from './store.ts';

export interface S3StoreOptions {
  readonly bucket: string;
  /** Begins every key, without a slash at either end; empty for the whole bucket. */
  readonly prefix: string;
  /** Of a server other than AWS. */
  readonly endpoint?: string | undefined;
  readonly region: string;
  /** The default where an endpoint is named. */
  readonly pathStyle?: boolean | undefined;
  /** Without them, the profile; without both, the standard chain of AWS. */
  readonly credentials?: S3Credentials | undefined;
  readonly profile?: string | undefined;
  /** Of the parts of backups; what structdb reads again and again (manifests, leases, WAL) stays in the standard class. */
  readonly storageClass?: string | undefined;
  /** How long one request may take without progress, in milliseconds. */
  readonly requestTimeoutMs: number;
  /**
   * `enforced`: the server refuses a conditional write onto what is there, as AWS does. `checked`, the default where an
   * endpoint is named: it is asked for each key first, because some servers ignore the condition.
   */
  readonly conditionalWrites?: 'enforced' | 'checked' | undefined;
  readonly sealing?: Sealing | undefined;
  /** How another process opens it; what the environment alone knew is not in there. */
  readonly settings?: StoreConfig | undefined;
  readonly retry?: RetryPolicy | undefined;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** Metadata of an object: SHA-256 of the plain content, and which call of putIfAbsent wrote it. */
const PLAIN_SHA256 = 'plain-sha256';
const WRITE_ID = 'write-id';

/** A store in an S3 bucket. Nothing is contacted, and the SDK is not loaded, before the first operation. */
export function openS3Store(options: S3StoreOptions): Store {
  return new S3Store(options);
}

class S3Store implements Store {
  readonly location: string;
  readonly sealing: Sealing | undefined;
  readonly settings: StoreConfig | undefined;
  readonly #options: S3StoreOptions;
  readonly #root: string;
  readonly #retry: RetryPolicy;
  #connection: Promise<S3Connection> | undefined;
  /** Whether the bucket has answered: then it is there, and the credentials are good. */
  #reached = false;

  constructor(options: S3StoreOptions) {
    this.#options = Object.freeze({ ...options });
    this.#root = options.prefix === '' ? '' : `${options.prefix}/`;
    this.#retry = options.retry ?? RETRY_POLICY;
    this.location = `s3://${options.bucket}${options.prefix === '' ? '' : `/${options.prefix}`}`;
    this.sealing = options.sealing;
    this.settings = options.settings;
  }

  async put(key: string, body: AsyncIterable<Uint8Array>): Promise<Written> {
    requireKey(key);
    return uploadStream(this.#sender(key), body);
  }

  async putIfAbsent(key: string, body: Uint8Array, { plainSha256 }: PutIfAbsentOptions = {}): Promise<boolean> {
    const target = this.#target(key);
    const doing = `write ${key} to`;
    if (this.#mustLookFirst && (await this.#ask(target, doing))) return false;
    const writeId = randomUUID();
    const Metadata = { [WRITE_ID]: writeId, ...(plainSha256 === undefined ? {} : { [PLAIN_SHA256]: plainSha256 }) };
    const request = { ...target, Body: body, ContentLength: body.byteLength, IfNoneMatch: '*', Metadata };
    try {
      await this.#send(doing, ({ sdk, client }) => client.send(new sdk.PutObjectCommand(request)));
      return true;
    } catch (error) {
      if (!isTaken(error)) throw this.#translate(error, doing);
      return this.#isOwnWrite(key, writeId, body);
    }
  }

  /**
   * The key is taken: by another writer, or by an attempt of this very call whose answer was lost (a proxy may also
   * have sent it twice). Each call marks its object, so the two cannot be confused even when the contents are equal.
   */
  async #isOwnWrite(key: string, writeId: string, body: Uint8Array): Promise<boolean> {
    const found = await this.#ask(this.#target(key), `look at ${key} in`);
    const mark = found?.Metadata?.[WRITE_ID];
    if (found === undefined || mark !== undefined) return mark === writeId;
    // A server that keeps no metadata: then equal bytes are this write, or one that does as well.
    if (found.ContentLength !== body.byteLength) return false;
    const chunks: Buffer[] = [];
    for await (const chunk of await this.get(key)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).equals(body);
  }

  get #mustLookFirst(): boolean {
    const { endpoint, conditionalWrites = endpoint === undefined ? 'enforced' : 'checked' } = this.#options;
    return conditionalWrites === 'checked';
  }

  async plainSha256(key: string): Promise<string | undefined> {
    const found = await this.#ask(this.#target(key), `look at ${key} in`);
    if (found === undefined) await this.#requireBucket(`look at ${key} in`);
    return found?.Metadata?.[PLAIN_SHA256];
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    const target = this.#target(key);
    const doing = `read ${key} from`;
    const begin = range?.start ?? 0;
    const open = async (offset: number, etag: string | undefined): Promise<Opened & { etag: string | undefined }> => {
      const whole = offset === 0 && range === undefined;
      const Range = whole ? undefined : `bytes=${begin + offset}-${range?.end ?? ''}`;
      // What is read is one object, also when somebody replaces it in the meantime.
      const request = { ...target, Range, IfMatch: etag };
      const found = await this.#send(doing, ({ sdk, client }) => client.send(new sdk.GetObjectCommand(request)));
      const body = found.Body as unknown as Readable;
      if (!whole && !found.ContentRange?.startsWith(`bytes ${begin + offset}-`)) {
        body.destroy();
        throw this.#unreliable(doing, 'it gave other bytes than those asked for (a proxy that ignores ranges?)');
      }
      return { body, sizeBytes: found.ContentLength ?? 0, etag: found.ETag };
    };
    try {
      const first = await open(0, undefined);
      return new ResumingBody({
        first,
        reopen: (offset) => open(offset, first.etag),
        mayResume: (error, inVain) => this.#mayResume(error, inVain),
        translate: (error) => this.#translate(error, doing),
      });
    } catch (error) {
      if (nameOf(error) === 'InvalidRange' || statusOf(error) === 416) return Readable.from([]);
      if (nameOf(error) !== 'NoSuchKey') throw this.#translate(error, doing);
      throw new StructdbError('OBJECT_MISSING', `${this.location} has no object ${key}.`, { cause: error });
    }
  }

  async #mayResume(error: unknown, inVain: number): Promise<boolean> {
    const limit = isTimeout(error) ? this.#retry.attemptsUntilReached : this.#retry.attempts;
    if (inVain >= limit || !(isRetryable(error) || codeOf(error) === 'ABORT_ERR')) return false;
    await pause(this.#retry, inVain);
    return true;
  }

  async head(key: string): Promise<StoredObject | undefined> {
    const doing = `look at ${key} in`;
    const found = await this.#ask(this.#target(key), doing);
    if (found === undefined) {
      // An answer without a body does not tell a missing object from a missing bucket.
      await this.#requireBucket(doing);
      return undefined;
    }
    return { key, sizeBytes: found.ContentLength ?? 0, modifiedAt: found.LastModified ?? new Date(0) };
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    for await (const page of this.#pages(prefix, undefined)) {
      for (const { Key = '', Size = 0, LastModified = new Date(0) } of page.Contents ?? []) {
        yield { key: Key.slice(this.#root.length), sizeBytes: Size, modifiedAt: LastModified };
      }
    }
  }

  async folders(prefix: string): Promise<string[]> {
    const names: string[] = [];
    for await (const page of this.#pages(prefix, '/')) {
      for (const { Prefix = '' } of page.CommonPrefixes ?? []) {
        names.push(Prefix.slice(this.#root.length + prefix.length, -1));
      }
    }
    return names.sort();
  }

  async *#pages(prefix: string, Delimiter: string | undefined) {
    const doing = `list ${prefix || 'everything'} in`;
    let ContinuationToken: string | undefined;
    do {
      const request = { Bucket: this.#options.bucket, Prefix: `${this.#root}${prefix}`, Delimiter, ContinuationToken };
      const page = await this.#run(doing, ({ sdk, client }) => client.send(new sdk.ListObjectsV2Command(request)));
      yield page;
      // Half a list taken for the whole would let retention delete what is needed.
      if (page.IsTruncated && (page.NextContinuationToken ?? ContinuationToken) === ContinuationToken) {
        throw this.#unreliable(doing, 'it says that there is more, and not how to get it');
      }
      ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
  }

  async delete(key: string): Promise<void> {
    const target = this.#target(key);
    // One by one: DeleteObjects needs a checksum that many servers do not take.
    await this.#run(`delete ${key} from`, ({ sdk, client }) => client.send(new sdk.DeleteObjectCommand(target)));
  }

  /** Aborts every unfinished multipart upload below the prefix. */
  async sweep(prefix: string): Promise<number> {
    const doing = `sweep ${prefix} in`;
    const { bucket: Bucket } = this.#options;
    let aborted = 0;
    for await (const { Key, UploadId } of this.#uploads(prefix, doing)) {
      await this.#abort({ Bucket, Key, UploadId }, doing);
      aborted += 1;
    }
    return aborted;
  }

  async *leftovers(prefix: string): AsyncIterable<StoredObject> {
    const doing = `look for leftovers of ${prefix || 'anything'} in`;
    for await (const { Key = '', Initiated = new Date(0) } of this.#uploads(prefix, doing)) {
      yield { key: Key.slice(this.#root.length), sizeBytes: 0, modifiedAt: Initiated };
    }
  }

  async *#uploads(prefix: string, doing: string): AsyncGenerator<MultipartUpload> {
    const place = { Bucket: this.#options.bucket, Prefix: `${this.#root}${prefix}` };
    let markers: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
    for (let more = true; more; ) {
      const request = { ...place, ...markers };
      const page = await this.#run(doing, ({ sdk, client }) =>
        client.send(new sdk.ListMultipartUploadsCommand(request)),
      );
      yield* page.Uploads ?? [];
      more = page.IsTruncated === true && page.NextKeyMarker !== undefined;
      markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
    }
  }

  async #abort(upload: { Bucket: string; Key: string | undefined; UploadId: string | undefined }, doing: string) {
    await this.#send(doing, ({ sdk, client }) => client.send(new sdk.AbortMultipartUploadCommand(upload))).catch(
      (error: unknown) => {
        // Somebody was quicker.
        if (nameOf(error) !== 'NoSuchUpload') throw this.#translate(error, doing);
      },
    );
  }

  /** The requests of one upload. */
  #sender(key: string): PartSender {
    const target = this.#target(key);
    const doing = `write ${key} to`;
    const { storageClass } = this.#options;
    // Tells this upload from another one when the answer to its completion is lost.
    const writeId = randomUUID();
    const making = {
      ...target,
      Metadata: { [WRITE_ID]: writeId },
      StorageClass: storageClass as 'STANDARD' | undefined,
    };
    const run = <T>(request: (connection: S3Connection) => Promise<T>) => this.#run(doing, request);
    return {
      whole: async (body) => {
        const request = { ...making, Body: body, ContentLength: body.byteLength };
        await run(({ sdk, client }) => client.send(new sdk.PutObjectCommand(request)));
      },
      begin: async () => {
        const { UploadId } = await run(({ sdk, client }) => client.send(new sdk.CreateMultipartUploadCommand(making)));
        return UploadId!;
      },
      part: async (UploadId, PartNumber, body) => {
        const request = { ...target, UploadId, PartNumber, Body: body, ContentLength: body.byteLength };
        const { ETag, ChecksumCRC32 } = await run(({ sdk, client }) => client.send(new sdk.UploadPartCommand(request)));
        return { PartNumber, ETag, ChecksumCRC32 };
      },
      complete: async (UploadId, parts, sizeBytes) => {
        const request = { ...target, UploadId, MultipartUpload: { Parts: [...parts] } };
        await this.#send(doing, ({ sdk, client }) =>
          client.send(new sdk.CompleteMultipartUploadCommand(request)),
        ).catch((error: unknown) => {
          // After a lost answer the upload is gone because it is complete: the look below decides.
          if (nameOf(error) !== 'NoSuchUpload') throw this.#translate(error, doing);
        });
        const found = await this.#ask(target, doing);
        const mark = found?.Metadata?.[WRITE_ID];
        if (found?.ContentLength === sizeBytes && (mark === undefined || mark === writeId)) return;
        throw this.#unreliable(doing, 'it did not keep the upload');
      },
      abort: (UploadId) => this.#abort({ ...target, UploadId }, doing),
    };
  }

  /** What the store says of an object; undefined for 404, which may also mean that the bucket is missing. */
  async #ask(target: Target, doing: string): Promise<HeadObjectCommandOutput | undefined> {
    try {
      return await this.#send(doing, ({ sdk, client }) => client.send(new sdk.HeadObjectCommand(target)));
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw this.#translate(await this.#explained(error, target), doing);
    }
  }

  /** A refused HEAD has no body that says why: a GET of one byte is refused for the same reason, and tells it. */
  async #explained(error: unknown, target: Target): Promise<unknown> {
    if (statusOf(error) === undefined || !this.#connection) return error;
    const { sdk, client } = await this.#connection;
    return client.send(new sdk.GetObjectCommand({ ...target, Range: 'bytes=0-0' })).then(
      () => error,
      (why: unknown) => (statusOf(why) === statusOf(error) ? why : error),
    );
  }

  /** @throws BUCKET_MISSING. "It is not there" may only be said of a bucket that is. */
  async #requireBucket(doing: string): Promise<void> {
    if (this.#reached) return;
    const Bucket = this.#options.bucket;
    await this.#send(doing, ({ sdk, client }) => client.send(new sdk.HeadBucketCommand({ Bucket }))).catch(
      (error: unknown) => {
        const named =
          statusOf(error) === 404 ? Object.assign(new Error(), { name: 'NoSuchBucket', cause: error }) : error;
        throw this.#translate(named, doing);
      },
    );
  }

  /** One request with its retries; errors as StructdbErrors. */
  async #run<T>(doing: string, request: (connection: S3Connection) => Promise<T>): Promise<T> {
    return this.#send(doing, request).catch((error: unknown) => {
      throw this.#translate(error, doing);
    });
  }

  /** One request with its retries; errors as the SDK throws them. */
  async #send<T>(doing: string, request: (connection: S3Connection) => Promise<T>): Promise<T> {
    this.#connection ??= import('./s3-client.ts').then(({ connectS3 }) => connectS3(this.#options));
    const connection = await this.#connection.catch((error: unknown) => {
      throw this.#translate(error, doing);
    });
    return withRetries(
      this.#retry,
      () => this.#reached,
      async () => {
        const answer = await request(connection);
        this.#reached = true;
        return answer;
      },
    );
  }

  #target(key: string): Target {
    return { Bucket: this.#options.bucket, Key: `${this.#root}${requireKey(key)}` };
  }

  /** For a server that answers what no server should. */
  #unreliable(doing: string, why: string): StructdbError {
    return new StructdbError('STORE_FAILED', `Cannot ${doing} the store ${this.location}: ${why}.`, {
      hint: 'Look at the server, and what lies before it, then run the command again.',
    });
  }

  #translate(error: unknown, doing: string): StructdbError {
    const { bucket, endpoint, region } = this.#options;
    return translateS3Error(error, doing, { location: this.location, bucket, endpoint, region });
  }
}

interface Target {
  readonly Bucket: string;
  readonly Key: string;
}

/** The answer to a conditional write onto what is there. */
function isTaken(error: unknown): boolean {
  return nameOf(error) === 'PreconditionFailed' || statusOf(error) === 412;
}
