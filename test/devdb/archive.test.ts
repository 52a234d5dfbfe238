import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { exists } from '../../src/config/project.ts';
import { newCheckout } from './support.ts';

const CONFIG = `export default {
  stores: { archive: { type: 'directory', path: './far/archive' }, dumps: { type: 'directory', path: './dumps' } },
  backup: { daily: { store: 'dumps' }, weekly: { store: 'archive' } },
};`;

describe('the archive of a private server', () => {
  it('is where the configuration wants WAL, which every command agrees on', async () => {
    const checkout = await newCheckout({ 'structdb.config.ts': CONFIG });
    const { storeDirectory } = await checkout.start();
    const run = async (...args: string[]) => (await checkout.run([...args, '--json'])).json;

    const made = await run('backup');
    expect(made).toMatchObject({
      ok: true,
      result: { tasks: [{ store: 'dumps' }, { store: 'archive', made: { tiers: ['weekly', 'monthly'] } }] },
    });
    const archive = path.join(checkout.directory, 'far', 'archive');
    const [cluster] = await readdir(archive);
    expect(await readdir(path.join(archive, cluster!, 'wal', '00000001'))).toContain('000000010000000000000001.zst');
    // Nothing went where nobody looks for it.
    expect((await exists(storeDirectory)) ? await readdir(storeDirectory) : []).toEqual([]);

    const plan = await run('restore', '--target', path.join(checkout.directory, 'restored'), '--dry-run');
    expect(plan).toMatchObject({ ok: true });
    expect((await run('wal', 'status')).result).toMatchObject({ walStore: archive, trimLimitBytes: null });
    expect((await run('wal', 'verify')).ok).toBe(true);
  });
});
