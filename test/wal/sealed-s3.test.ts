import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { expect, it } from '@jest/globals';
import { writeArchiveProgram } from '../../src/repository/archive-program.ts';
import { describeWith } from '../support/programs.ts';
import { clientOf, freshBucket } from '../support/s3.ts';
import { GATEWAY_PROGRAMS } from '../support/s3-gateway.ts';
import { scratchDirectory } from '../support/scratch.ts';

const scratch = await scratchDirectory();
const cluster = { systemIdentifier: '7312345678901234567', segmentSizeBytes: 16_777_216, major: 15 };

describeWith(
  [...GATEWAY_PROGRAMS, 'age', 'age-keygen', 'zstd'],
  'The bundled archive program with an encrypted S3 store',
  () => {
    it('pushes, compares and fetches; what it stored opens with stock programs', async () => {
      const { bucket, ...gateway } = await freshBucket();
      const identityFile = path.join(scratch, 'key.txt');
      execFileSync('age-keygen', ['-o', identityFile], { stdio: 'ignore' });
      const recipients = [/age1\w+/.exec(readFileSync(identityFile, 'utf8'))![0]];
      const s3 = { type: 's3' as const, ...gateway, bucket, prefix: 'p', requestTimeout: 30_000 };
      const lay = async (store: typeof s3 & { encryption?: { recipients: string[]; identityFile?: string } }) => {
        const directory = await mkdtemp(path.join(scratch, 'archive-'));
        await writeArchiveProgram(directory, { store, ...cluster }, undefined);
        return (...words: string[]) => {
          const ended = spawnSync(process.execPath, [path.join(directory, 'wal.mjs'), ...words], { encoding: 'utf8' });
          return { exitCode: ended.status, says: ended.stderr };
        };
      };
      // A history file stands for all: it needs no server to be made.
      const text = '1\t0/3000000\tno recovery target specified\n';
      const name = '00000002.history';
      const file = path.join(scratch, name);
      writeFileSync(file, text);

      const archiving = await lay({ ...s3, encryption: { recipients } });
      expect(archiving('push', file)).toEqual({ exitCode: 0, says: '' });
      expect(archiving('push', file)).toMatchObject({ exitCode: 0 });
      writeFileSync(file, `${text}x`);
      expect(archiving('push', file)).toMatchObject({ exitCode: 1, says: expect.stringContaining('another content') });

      const client = clientOf(gateway);
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
      const Key = Contents.map((object) => object.Key!).find((key) => key.endsWith(`/${name}.zst.age`))!;
      const { Body, Metadata } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
      const stored = path.join(scratch, 'stored.zst.age');
      writeFileSync(stored, await Body!.transformToByteArray());
      client.destroy();
      expect(Metadata).toMatchObject({ 'plain-sha256': createHash('sha256').update(text).digest('hex') });
      const script = 'age -d -i "$1" "$2" | zstd -dc';
      expect(execFileSync('sh', ['-c', script, 'sh', identityFile, stored], { encoding: 'utf8' })).toBe(text);

      const restoring = await lay({ ...s3, encryption: { recipients, identityFile } });
      const target = path.join(scratch, 'RECOVERYHISTORY');
      expect(restoring('fetch', '--absent', '93', name, target)).toMatchObject({ exitCode: 0 });
      expect(readFileSync(target, 'utf8')).toBe(text);
      expect(restoring('fetch', '--absent', '93', '00000003.history', target)).toMatchObject({ exitCode: 93 });
      // "Not there" is never said of a bucket that is not there, nor where the key does not fit.
      const lost = await lay({ ...s3, bucket: 'no-such-bucket' });
      expect(lost('fetch', '--absent', '93', name, target)).toMatchObject({
        exitCode: 200,
        says: expect.stringContaining('there is no bucket "no-such-bucket"'),
      });
      const refused = await lay({ ...s3, secretAccessKey: 'a-wrong-secret' });
      const refusal = refused('fetch', '--absent', '93', name, target);
      expect(refusal).toMatchObject({ exitCode: 200, says: expect.stringContaining('the secret key is wrong') });
      expect(refusal.says).not.toContain('a-wrong-secret');
      const keyless = await lay({ ...s3, encryption: { recipients } });
      expect(keyless('fetch', '--absent', '93', name, target)).toMatchObject({ exitCode: 200 });
    });
  },
);
