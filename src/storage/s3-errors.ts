import { codeOf, messageOf, StructdbError } from '../core/errors.ts';
import { redact } from '../core/redact.ts';
import { isTimeout, nameOf, statusOf } from './s3-retry.ts';

/** Where an S3 store is, for messages. */
export interface S3Place {
  readonly location: string;
  readonly bucket: string;
  readonly endpoint: string | undefined;
  readonly region: string;
}

const WRONG_KEY = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidSignature']);
const EXPIRED = new Set(['ExpiredToken', 'InvalidToken', 'TokenRefreshRequired', 'ExpiredTokenException']);
const WRONG_REGION = new Set([
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
]);
const FULL = new Set(['QuotaExceeded', 'QuotaExceededException', 'XMinioStorageFull', 'InsufficientStorage']);

/**
 * What an S3 client or server threw, as a StructdbError: what was being done, where, why, and what to do.
 * `doing` ends in a preposition (`write <key> to`). No message quotes what a server says of keys.
 */
export function translateS3Error(error: unknown, doing: string, place: S3Place): StructdbError {
  if (error instanceof StructdbError) return error;
  const name = nameOf(error);
  const status = statusOf(error);
  const server = place.endpoint === undefined ? '' : ` (${redact(place.endpoint)})`;
  const failure = (code: 'STORE_FAILED' | 'STORE_DENIED' | 'BUCKET_MISSING' | 'CLOCK_SKEW' | 'DISK_FULL') => {
    return (why: string, hint: string) =>
      new StructdbError(code, `Cannot ${doing} the store ${place.location}${server}: ${why}.`, { cause: error, hint });
  };
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError') {
    return failure('STORE_DENIED')(
      'no credentials were found',
      'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name accessKeyId and secretAccessKey, or a profile, in the configuration.',
    );
  }
  if (name === 'RequestTimeTooSkewed') {
    return failure('CLOCK_SKEW')(
      "this machine's clock and the store's differ too much for a signature",
      'Set the clock of this machine (timedatectl status; NTP).',
    );
  }
  if (WRONG_KEY.has(name)) {
    const why = name === 'InvalidAccessKeyId' ? 'it does not know the access key' : 'the secret key is wrong';
    return failure('STORE_DENIED')(why, 'Check accessKeyId and secretAccessKey (or AWS_… variables) of this store.');
  }
  if (EXPIRED.has(name)) {
    return failure('STORE_DENIED')('the credentials have expired', 'Get new ones, for example: aws sso login');
  }
  if (name === 'NoSuchBucket') {
    return failure('BUCKET_MISSING')(
      `there is no bucket "${place.bucket}"`,
      `Create it (aws s3 mb s3://${place.bucket}), or correct bucket, endpoint and region in the configuration.`,
    );
  }
  if (WRONG_REGION.has(name) || status === 301) {
    return failure('STORE_FAILED')(
      `the bucket is not in region ${place.region}`,
      "Correct region in the store's configuration.",
    );
  }
  if (FULL.has(name) || status === 507) {
    return failure('DISK_FULL')('it is full', 'Free space there, or raise the quota of the bucket.');
  }
  if (status === 403 || status === 401) {
    return failure('STORE_DENIED')(
      'access was denied',
      'The key needs s3:GetObject, PutObject, DeleteObject, AbortMultipartUpload, ListBucket and ListBucketMultipartUploads here: docs/stores.md',
    );
  }
  return failure('STORE_FAILED')(whyOf(error, name, status), hintOf(error, name));
}

function whyOf(error: unknown, name: string, status: number | undefined): string {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return 'nothing answers there (connection refused)';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return "the server's name cannot be resolved";
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'the connection broke off';
  if (isTimeout(error)) return 'nothing moved for too long';
  if (status === undefined) return redact(messageOf(error)).split('\n')[0]!.slice(0, 300);
  const known = name === '' || /^(UnknownError|Unknown|\d+)$/.test(name) ? '' : ` ${name}`;
  return `it answered ${status}${known}`;
}

function hintOf(error: unknown, name: string): string {
  const reached = statusOf(error) !== undefined || name === 'TimeoutError';
  return reached
    ? 'It was tried several times. Look at the server, then run the command again.'
    : 'Check endpoint and network of this store, then run the command again.';
}
