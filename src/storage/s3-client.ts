import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import type { S3StoreOptions } from './s3-store.ts';

/** The SDK's module with a client of one store. */
export interface S3Connection {
  readonly sdk: typeof import('@aws-sdk/client-s3');
  readonly client: S3Client;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** Loads the SDK, which takes 100 to 200 ms, and makes a client. Contacts nothing. */
export async function connectS3(options: S3StoreOptions): Promise<S3Connection> {
  const [sdk, { NodeHttpHandler }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@smithy/node-http-handler'),
  ]);
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
  const client = new sdk.S3Client(config);
  // s3-retry.ts repeats requests: a body that breaks off counts too, and what is refused is told at once.
  client.middlewareStack.add((next) => next, {
    name: 'retryMiddleware',
    step: 'finalizeRequest',
    priority: 'high',
    override: true,
  });
  return { sdk, client };
}
