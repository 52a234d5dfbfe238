import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { describeWith } from './programs.ts';
import { clientOf } from './s3-client.ts';
import { GATEWAY_PROGRAMS, type S3Gateway, startS3Gateway } from './s3-gateway.ts';

/** An empty bucket of the run's gateway, with all that opens it. */
export interface S3Bucket extends S3Gateway {
  readonly bucket: string;
}

export { clientOf };

const WAIT_MS = 300_000;
let gateway: Promise<S3Gateway> | undefined;

/** Tests that need a real S3 server. */
export function describeS3(name: string, define: () => void): void {
  describeWith(GATEWAY_PROGRAMS, name, define);
}

/** The gateway of this test run: whoever asks first starts it, every worker and test file shares it. */
export function s3Gateway(): Promise<S3Gateway> {
  gateway ??= sharedGateway();
  return gateway;
}

/** A new bucket; it goes with the gateway. */
export async function freshBucket(): Promise<S3Bucket> {
  const shared = await s3Gateway();
  const bucket = `test-${randomBytes(6).toString('hex')}`;
  const client = clientOf(shared);
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  return { ...shared, bucket };
}

async function sharedGateway(): Promise<S3Gateway> {
  const stateFile = process.env.STRUCTDB_TEST_SERVER;
  if (!stateFile) throw new Error('The shared server is not up: run the tests through jest.config.ts.');
  const directory = path.dirname(stateFile);
  const started = path.join(directory, 's3.json');
  const failed = path.join(directory, 's3.failed');
  const first = await writeFile(path.join(directory, 's3.lock'), String(process.pid), { flag: 'wx' }).then(
    () => true,
    () => false,
  );
  if (first) {
    const { runner } = JSON.parse(await readFile(stateFile, 'utf8')) as { runner: number };
    try {
      const made = await startS3Gateway(path.join(directory, 's3'), runner);
      await writeFile(`${started}.new`, JSON.stringify(made));
      await rename(`${started}.new`, started);
    } catch (error) {
      await writeFile(failed, String(error));
      throw error;
    }
  }
  for (const deadline = Date.now() + WAIT_MS; Date.now() < deadline; ) {
    if (existsSync(started)) return JSON.parse(await readFile(started, 'utf8')) as S3Gateway;
    if (existsSync(failed)) throw new Error(`The S3 gateway did not start: ${await readFile(failed, 'utf8')}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('Another worker did not start the S3 gateway in time.');
}
