import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { S3StoreOptions } from './s3-store.ts';

/** The requests that a store makes: named one by one, so that a bundle leaves out the rest of the SDK. */
const sdk = {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
};

/** The requests and a client of one store. */
export interface S3Connection {
  readonly sdk: typeof sdk;
  readonly client: S3Client;
}

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * A client of one store; contacts nothing. This file is what loads the SDK (100 to 200 ms), so it is imported only when
 * an S3 store is used. The SDK's modules are CommonJS: imported dynamically themselves, a bundle would lose their names.
 */
export function connectS3(options: S3StoreOptions): S3Connection {
  const { endpoint, region, credentials, profile, requestTimeoutMs } = options;
  const config: S3ClientConfig = {
    region,
    forcePathStyle: options.pathStyle ?? endpoint !== undefined,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: Math.min(CONNECT_TIMEOUT_MS, requestTimeoutMs),
      // Of inactivity: a large body may take as long as it needs while bytes flow.
      socketTimeout: requestTimeoutMs,
      httpAgent: { keepAlive: true, maxSockets: 16 },
      httpsAgent: { keepAlive: true, maxSockets: 16 },
    }),
    ...(profile === undefined ? {} : { profile }),
    ...(credentials === undefined ? {} : { credentials: { ...credentials } }),
  };
  if (endpoint !== undefined) {
    config.endpoint = endpoint;
    // Other servers answer 400 or 501 to the checksums that the SDK adds by itself (aws-sdk-js-v3 #6810).
    config.requestChecksumCalculation = 'WHEN_REQUIRED';
    config.responseChecksumValidation = 'WHEN_REQUIRED';
  }
  const client = new S3Client(config);
  // s3-retry.ts repeats requests: a body that breaks off counts too, and what is refused is told at once.
  client.middlewareStack.add((next) => next, {
    name: 'retryMiddleware',
    step: 'finalizeRequest',
    priority: 'high',
    override: true,
  });
  return { sdk, client };
}
