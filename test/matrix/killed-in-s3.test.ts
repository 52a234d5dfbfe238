import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { expect, it } from '@jest/globals';
import { listStore, runBackup, verifyBackups } from '../../src/backup/index.ts';
import type { StoreConfig } from '../../src/config/schema.ts';
import { openStoreOf } from '../../src/storage/open-store.ts';
import { fill, runOptions } from '../backup/support.ts';
import { keysOf } from '../storage/store-contract.ts';
import { testContext } from '../support/context.ts';
import { runToDeath } from '../support/kill-points.ts';
import { useServer } from '../support/postgres.ts';
import { describeWith } from '../support/programs.ts';
import { clientOf, freshBucket } from '../support/s3.ts';
import { GATEWAY_PROGRAMS } from '../support/s3-gateway.ts';
import { scratchDirectory } from '../support/scratch.ts';

const server = useServer();
const scratch = await scratchDirectory();

describeWith([...GATEWAY_PROGRAMS, 'age', 'age-keygen'], 'Into an encrypted S3 store', () => {
  it('a dump that is killed at any point leaves nothing listed that is broken', async () => {
    const connection = await server.createOwnedDatabase();
    await fill(connection);
    const identityFile = path.join(scratch, 'key.txt');
    execFileSync('age-keygen', ['-o', identityFile], { stdio: 'ignore' });
    const recipients = [/age1\w+/.exec(readFileSync(identityFile, 'utf8'))![0]];
    const bucket = await freshBucket();
    const settings: StoreConfig = {
      ...{ type: 's3', prefix: 'p', requestTimeout: 30_000, ...bucket },
      encryption: { recipients, identityFile },
    };
    const store = await openStoreOf(settings, { uid: process.geteuid?.(), searchPath: process.env.PATH });
    const options = { ...(await runOptions(connection, scratch)), store };
    const script = fileURLToPath(new URL('../backup/killed.ts', import.meta.url));
    const what = (prefix = 'p') => JSON.stringify({ connection, settings: { ...settings, prefix }, kind: 'dump' });
    const { points, exitCode, stderr } = await runToDeath(script, [what()]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const labels = async () => (await listStore(options)).map(({ label }) => label);
    let listed = await labels();
    for (const point of new Set(points)) {
      // A repository is made once: by a run into an empty store.
      const died = await runToDeath(script, [
        what(point.endsWith(' repository.json') ? `new-${points.indexOf(point)}` : 'p'),
        point,
      ]);
      expect([died.killed, died.points.at(-1)]).toEqual([true, point]);
      const now = await labels();
      for (const label of now.filter((each) => !listed.includes(each))) {
        expect(await verifyBackups({ ...options, label, deep: true }, testContext())).toMatchObject([
          { ok: true, contentsRead: true },
        ]);
      }
      listed = now;
    }
    const made = await runBackup(options, testContext());
    const folders = (await keysOf(store, '')).flatMap((key) => /\/backups\/([^/]+)\//.exec(key)?.[1] ?? []);
    expect([...new Set(folders)].sort()).toEqual([...listed, made.label].sort());
    const client = clientOf(bucket);
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket.bucket }));
    client.destroy();
    expect(Uploads.filter(({ Key }) => Key?.startsWith('p/'))).toEqual([]);
  }, 240_000);
});
