import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import type { StoreConfig } from '../../src/config/schema.ts';
import { openStoreOf } from '../../src/storage/open-store.ts';
import { structdb } from '../support/cli.ts';
import { describeWith } from '../support/programs.ts';
import { freshBucket } from '../support/s3.ts';
import { GATEWAY_PROGRAMS } from '../support/s3-gateway.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { sourceCluster, takeBackup, writeMarkers } from './cluster-support.ts';

describeWith([...GATEWAY_PROGRAMS, 'age', 'age-keygen'], 'A cluster in an encrypted S3 store', () => {
  it('comes back with the key, to the commit; without it, or with another, nothing is touched', async () => {
    const scratch = await scratchDirectory();
    const [own, other] = [path.join(scratch, 'own.key'), path.join(scratch, 'other.key')];
    for (const file of [own, other]) execFileSync('age-keygen', ['-o', file], { stdio: 'ignore' });
    const recipient = /age1\w+/.exec(await readFile(own, 'utf8'))![0];
    const { bucket, endpoint, region, accessKeyId, secretAccessKey } = await freshBucket();
    const settings: StoreConfig = {
      type: 's3',
      bucket,
      prefix: 'prod',
      endpoint,
      region,
      accessKeyId,
      secretAccessKey,
      requestTimeout: 30_000,
      encryption: { recipients: [recipient] },
    };
    const source = await sourceCluster(scratch, { store: await openStoreOf(settings, { uid: process.geteuid?.() }) });
    await writeMarkers(source.connection, ['before the backup']);
    await takeBackup(source);

    const markers = await writeMarkers(source.connection, ['one', 'two', 'three']);
    await source.archive();
    await source.stop('immediate');

    const cwd = path.join(scratch, 'project');
    await mkdir(cwd);
    const config = {
      stores: { vault: { ...settings, requestTimeout: '30 seconds' } },
      backup: { wal: { store: 'vault' } },
    };
    await writeFile(path.join(cwd, 'structdb.config.ts'), `export default ${JSON.stringify(config)};`);
    const target = path.join(scratch, 'restored');
    const restore = (...more: string[]) =>
      structdb(['restore', '--target', target, '--store', 'vault', '--json', ...more], { cwd });

    expect((await restore()).json.error.code).toBe('KEY_MISSING');
    expect((await restore('--identity', other)).json.error.code).toBe('KEY_WRONG');
    const before = markers[1]!;
    const run = await restore('--identity', own, '--to', before.committedAt, '--replay');
    expect(run.stderr + JSON.stringify(run.json?.error)).not.toMatch(/secret|AGE-SECRET/i);
    expect(run.exitCode).toBe(0);
    expect(run.json.result.replay.replayedCommitAt).toBe(new Date(before.committedAt).toISOString());
  });
});
