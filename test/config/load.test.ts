import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { configSchema } from '../../src/config/schema.ts';
import { structdb } from '../support/cli.ts';
import { scratchDirectory } from '../support/scratch.ts';

describe('the configuration', () => {
  it('has a default for everything', () => {
    const config = configSchema.parse({});
    expect(config.objectives).toMatchObject({ rto: 900_000, rpo: 300_000, simpleFilters: 10, indexHitRate: 0.95 });
    expect(config.backup.daily).toEqual({ kind: 'dump', store: 'local', keep: 30 * 86_400_000, at: '02:00', jobs: 1 });
  });

  it('finds any typing error in a public key', () => {
    const key = 'age1ne0r8hrnfqjur9hdvfhqya94qewd4m6fut96mvklchexttselpls99zhav';
    const problems = (recipient: string) => {
      const local = { type: 'directory', path: '/x', encryption: { recipients: [recipient] } };
      return configSchema.safeParse({ stores: { local } }).error?.issues.map((issue) => issue.path.join('.'));
    };
    expect(problems(key)).toBeUndefined();
    for (let at = 4; at < key.length; at += 1) {
      const typed = `${key.slice(0, at)}${key[at] === 'q' ? 'p' : 'q'}${key.slice(at + 1)}`;
      expect(problems(typed)).toEqual(['stores.local.encryption.recipients.0']);
    }
  });

  it('lists all its problems at once, with file and key, and exits 2', async () => {
    const folder = await scratchDirectory();
    await writeFile(
      path.join(folder, 'structdb.config.mjs'),
      `export default { databse: {}, objectives: { rto: 'soon', indexHitRate: 3 }, stores: { 'a b': { type: 'directory', path: 'x' } }, backup: { daily: { store: 'nowhere', at: '25:00' } } };`,
    );
    const { exitCode, stderr, json } = await structdb(['migrate', 'status', '--json'], { cwd: folder });
    expect(exitCode).toBe(2);
    expect(json).toMatchObject({ ok: false, exitCode: 2, result: null, error: { code: 'CONFIG_INVALID' } });
    expect(stderr).toContain('structdb.config.mjs');
    for (const key of ['databse', 'objectives.rto', 'objectives.indexHitRate', 'backup.daily.at'])
      expect(stderr).toContain(key);
    expect(stderr).toContain('stores.a b: a store is named with letters');
  });

  it('is found from a folder below, and .env fills what the environment leaves open', async () => {
    const folder = await scratchDirectory();
    const below = path.join(folder, 'a', 'b');
    await mkdir(below, { recursive: true });
    await writeFile(
      path.join(folder, 'structdb.config.mjs'),
      'export default { database: { url: process.env.MY_URL } };',
    );
    await writeFile(path.join(folder, '.env'), 'MY_URL=postgres://u:dotenv-password@127.0.0.1:1/from_dotenv\n');
    const { stderr, exitCode } = await structdb(['migrate', 'status'], { cwd: below });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('127.0.0.1:1/from_dotenv');
    expect(stderr).not.toContain('dotenv-password');
    const real = await structdb(['migrate', 'status'], {
      cwd: below,
      env: { MY_URL: 'postgres://u@127.0.0.1:2/real' },
    });
    expect(real.stderr).toContain('127.0.0.1:2/real');
  });

  it('the first variable of a .env counts also behind a byte order mark', async () => {
    const folder = await scratchDirectory();
    await writeFile(path.join(folder, '.env'), '\uFEFFDATABASE_URL=postgres://u@127.0.0.1:1/marked\r\n');
    const { stderr } = await structdb(['migrate', 'status'], { cwd: folder });
    expect(stderr).toContain('127.0.0.1:1/marked');
  });
});
