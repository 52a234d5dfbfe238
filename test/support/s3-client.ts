import { S3Client } from '@aws-sdk/client-s3';
import type { S3Gateway } from './s3-gateway.ts';

/** A plain client, to look at a bucket without structdb. */
export function clientOf({ endpoint, region, accessKeyId, secretAccessKey }: S3Gateway): S3Client {
  return new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
}
