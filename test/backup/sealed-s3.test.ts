import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, it } from '@jest/globals';
import { findProgram } from '../../src/programs/find.ts';
import { structdb } from '../support/cli.ts';
import { testPlaces } from '../support/environment.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { describeWith } from '../support/programs.ts';
import { clientOf, freshBucket, type S3Bucket } from '../support/s3.ts';
import { GATEWAY_PROGRAMS } from '../support/s3-gateway.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { fill } from './support.ts';

const server = useServer();
const scratch = await scratchDirectory();

/** A key pair of the stock age-keygen, in a folder of its own. */
function newKey(name: string): { readonly recipient: string; readonly identityFile: string } {
  const identityFile = path.join(scratch, `${name}.txt`);
  execFileSync('age-keygen', ['-o', identityFile], { stdio: 'ignore' });
  return { recipient: /age1\w+/.exec(readFileSync(identityFile, 'utf8'))![0], identityFile };
}

async function projectWith(store: object): Promise<string> {
  const cwd = await mkdtemp(path.join(scratch, 'project-'));
  const config = { stores: { archive: store }, backup: { daily: { store: 'archive' } } };
  writeFileSync(path.join(cwd, 'structdb.config.ts'), `export default ${JSON.stringify(config)};`);
  return cwd;
}

const storeIn = ({ bucket, endpoint }: S3Bucket) => ({ type: 's3', bucket, prefix: 'prod', endpoint });
const keysOf = ({ accessKeyId, secretAccessKey }: S3Bucket) => ({
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
});

describeWith([...GATEWAY_PROGRAMS, 'age', 'age-keygen'], 'Backups in an encrypted S3 store', () => {
  it('are made with the public key, verified without and restored with the secret one, by structdb and by stock programs', async () => {
    const bucket = await freshBucket();
    const [own, other] = [newKey('own'), newKey('other')];
    const database = await server.createOwnedDatabase('CREATEDB');
    await fill(database, 500);
    const url = urlOf(database);
    const cwd = await projectWith({ ...storeIn(bucket), encryption: { recipients: [own.recipient] } });
    const run = (...args: string[]) => structdb(args, { cwd, env: keysOf(bucket) });

    const made = await run('backup', 'run', '--url', url, '--json');
    expect(made).toMatchObject({ exitCode: 0, json: { result: { store: `s3://${bucket.bucket}/prod` } } });
    const label: string = made.json.result.label;
    const listed = await run('backup', 'list', '--json');
    expect(listed.json.result.backups).toMatchObject([{ label, rows: 600, verification: { ok: true } }]);
    const shown = await run('backup', 'show', label);
    expect(shown.stdout).toContain('dump.pgdump.age');
    const unread = await run('backup', 'verify', label);
    expect(unread).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('its contents were not read') });
    const read = await run('backup', 'verify', label, '--identity', own.identityFile);
    expect({ exitCode: read.exitCode, whole: read.stdout.includes('not read') }).toEqual({ exitCode: 0, whole: false });

    // Refused before anything is made.
    const restoring = ['restore', 'latest', '--database', `${database.database}_copy`, '--url', url];
    for (const [flags, code] of [
      [[], 'KEY_MISSING'],
      [['--identity', other.identityFile], 'KEY_WRONG'],
      [['--identity', path.join(scratch, 'nowhere')], 'KEY_MISSING'],
    ] as const) {
      const refused = await run(...restoring, ...flags, '--json');
      expect(refused).toMatchObject({ exitCode: 1, json: { error: { code } } });
    }
    const restored = await run(...restoring, '--identity', own.identityFile, '--json');
    expect(restored).toMatchObject({ exitCode: 0, json: { ok: true } });
    const copy = { ...database, database: `${database.database}_copy` };
    const { rows } = await sql(copy, (client) => client.query('select count(*)::int as n from noise'));
    expect(rows).toEqual([{ n: 500 }]);
    await sql(server.superuser, (client) => client.query(`drop database "${copy.database}" with (force)`));
    const drill = await run('dr-test', '--label', label, '--identity', own.identityFile, '--url', url, '--json');
    expect(drill).toMatchObject({ exitCode: 0, json: { ok: true } });

    // Whoever has the bucket and the key needs neither structdb nor Node.
    const client = clientOf(bucket);
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket.bucket }));
    const keys = Contents.map(({ Key }) => Key!);
    expect(keys.filter((key) => /pgdump|globals/.test(key)).every((key) => key.endsWith('.age'))).toBe(true);
    const fetch = async (name: string) => {
      const Key = keys.find((key) => key.endsWith(`/${name}`))!;
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket.bucket, Key }));
      writeFileSync(path.join(scratch, name), await Body!.transformToByteArray());
      return { Key, file: path.join(scratch, name) };
    };
    const dump = await fetch('dump.pgdump.age');
    const globals = await fetch('globals.sql.age');
    const { path: pgRestore } = await findProgram('pg_restore', testPlaces());
    const script = `age -d -i "$1" "$2" | "$3" --list && age -d -i "$1" "$4"`;
    const { stdout } = await promisify(execFile)('sh', [
      ...['-c', script, 'sh', own.identityFile, dump.file, pgRestore, globals.file],
    ]);
    expect(stdout).toContain('TABLE DATA public noise');
    expect(stdout).toContain('CREATE ROLE');

    // One byte of what is encrypted.
    const bytes = readFileSync(dump.file);
    bytes[bytes.length - 100]! ^= 1;
    await client.send(new PutObjectCommand({ Bucket: bucket.bucket, Key: dump.Key, Body: bytes }));
    client.destroy();
    const damaged = await run('backup', 'verify', label, '--json');
    expect(damaged).toMatchObject({ exitCode: 4, json: { error: { code: 'BACKUP_CORRUPT' } } });
    expect(JSON.stringify(damaged.json)).toContain('dump.pgdump.age');

    for (const { stdout: out, stderr } of [made, listed, shown, unread, read, restored, drill, damaged]) {
      expect(out + stderr).not.toContain(bucket.secretAccessKey);
      expect(out + stderr).not.toContain('AGE-SECRET-KEY-');
    }
  }, 180_000);

  it('say in one line what is wrong with the store', async () => {
    const bucket = await freshBucket();
    const database = await server.createOwnedDatabase();
    const wrong = { ...keysOf(bucket), AWS_SECRET_ACCESS_KEY: 'a-wrong-secret-key' };
    for (const [store, env, why] of [
      [storeIn(bucket), wrong, 'the secret key is wrong'],
      [{ ...storeIn(bucket), bucket: 'no-such-bucket' }, keysOf(bucket), 'there is no bucket'],
      [{ ...storeIn(bucket), endpoint: 'http://127.0.0.1:9' }, keysOf(bucket), 'nothing answers there'],
      [{ ...storeIn(bucket), profile: 'nobody' }, {}, 'no credentials were found'],
    ] as const) {
      const cwd = await projectWith(store);
      for (const args of [
        ['backup', 'list'],
        ['backup', 'run', '--url', urlOf(database)],
      ]) {
        const { exitCode, stdout, stderr } = await structdb(args, { cwd, env });
        const telling = stderr.split('\n').filter((line) => line.includes('Cannot '));
        expect({ exitCode, stdout, telling }).toEqual({
          exitCode: 1,
          stdout: '',
          telling: [expect.stringMatching(why)],
        });
        expect(stderr).not.toContain(wrong.AWS_SECRET_ACCESS_KEY);
      }
    }
  });
});
