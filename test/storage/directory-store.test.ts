import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import { TEMPORARY_PREFIX } from '../../src/storage/store.ts';
import { projectRoot } from '../support/cli.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { describeStoreContract, keysOf } from './store-contract.ts';

const scratch = await scratchDirectory();
const uid = process.geteuid?.();
const freshPath = async () => path.join(await mkdtemp(path.join(scratch, 'store-')), 'store');
const modeOf = (file: string) => (statSync(file).mode & 0o7777).toString(8);

describeStoreContract('A directory', async () => openDirectoryStore({ path: await freshPath(), uid }));

describe('A directory store', () => {
  it('is readable by its owner alone, whatever the umask', async () => {
    const root = await freshPath();
    await openDirectoryStore({ path: root, uid }).putIfAbsent('a/b', Buffer.from('x'));
    expect([root, path.join(root, 'a'), path.join(root, 'a/b')].map(modeOf)).toEqual(['700', '700', '600']);
  });

  it('with groupAccess is open to its group', async () => {
    const root = await freshPath();
    await openDirectoryStore({ path: root, uid, groupAccess: true }).putIfAbsent('a/b', Buffer.from('x'));
    expect([root, path.join(root, 'a'), path.join(root, 'a/b')].map(modeOf)).toEqual(['2770', '2770', '660']);
  });

  it('gives what root writes to the owner of the store', async () => {
    if (uid !== 0) {
      // Nobody but root can write as somebody else: then everything belongs to this user.
      const root = await freshPath();
      await openDirectoryStore({ path: root, uid }).putIfAbsent('a/b', Buffer.from('x'));
      expect(statSync(path.join(root, 'a/b')).uid).toBe(uid);
      return;
    }
    const root = await freshPath();
    mkdirSync(root);
    chownSync(root, 12345, 12345);
    await openDirectoryStore({ path: root, uid }).putIfAbsent('a/b', Buffer.from('x'));
    const made = await freshPath();
    await openDirectoryStore({ path: made, uid, owner: { uid: 12346, gid: 12346 } }).putIfAbsent('c', Buffer.from('x'));
    const owners = [path.join(root, 'a'), path.join(root, 'a/b'), made, path.join(made, 'c')].map(
      (file) => statSync(file).uid,
    );
    expect(owners).toEqual([12345, 12345, 12346, 12346]);
  });

  it('refuses another user with one line that names the owner', async () => {
    const root = await freshPath();
    mkdirSync(root, { mode: 0o700 });
    const owner = uid === 0 ? 'root' : String(uid);
    const stranger = openDirectoryStore({ path: root, uid: (uid ?? 0) + 4321 });
    await expect(stranger.putIfAbsent('a', Buffer.from('x'))).rejects.toMatchObject({
      code: 'STORE_OWNER',
      message: expect.stringContaining(uid === 0 ? `belongs to user "${owner}"` : 'belongs to user'),
    });
    expect(readdirSync(root)).toEqual([]);
  });

  it('answers a full disk with DISK_FULL and leaves nothing behind', async () => {
    const root = await freshPath();
    // A limit on the size of files stands for the full disk: it needs no privilege.
    const script = `
      import { openDirectoryStore } from ${JSON.stringify(path.join(projectRoot, 'src/storage/directory-store.ts'))};
      const store = openDirectoryStore({ path: ${JSON.stringify(root)}, uid: process.geteuid() });
      async function* body() { for (let i = 0; i < 64; i += 1) yield Buffer.alloc(65536, i); }
      await store.put('big/object', body()).catch((error) => console.log(error.code, '|', error.message));`;
    const { stdout } = await promisify(execFile)('prlimit', [
      '--fsize=1000000',
      process.execPath,
      '--input-type=module-typescript',
      '-e',
      script,
    ]);
    expect(stdout).toContain('DISK_FULL | Cannot write big/object to the store');
    expect(existsSync(path.join(root, 'big')) ? readdirSync(path.join(root, 'big')) : []).toEqual([]);
  });

  it('never lists what a killed writer left, and sweeps it', async () => {
    const root = await freshPath();
    const store = openDirectoryStore({ path: root, uid });
    await store.putIfAbsent('s/kept', Buffer.from('x'));
    writeFileSync(path.join(root, 's', `${TEMPORARY_PREFIX}0123`), 'half');
    expect(await keysOf(store, '')).toEqual(['s/kept']);
    expect(await store.sweep('s/')).toBe(1);
    expect(readdirSync(path.join(root, 's'))).toEqual(['kept']);
  });

  it.each([uid, (uid ?? 0) + 4321])('names a file in its place, to user %i', async (user) => {
    const file = path.join(await mkdtemp(path.join(scratch, 'odd-')), 'file');
    writeFileSync(file, '');
    chmodSync(file, 0o600);
    const store = openDirectoryStore({ path: file, uid: user });
    const refusal = { code: 'STORE_FAILED', message: `The store ${file} is a file, not a directory.` };
    await expect(keysOf(store, '')).rejects.toMatchObject(refusal);
    await expect(store.putIfAbsent('a', Buffer.from('x'))).rejects.toMatchObject(refusal);
  });

  it('loads without any package, for the archive command', () => {
    const entry = JSON.stringify(path.join(projectRoot, 'src/storage/directory-store.ts'));
    const script = `import { registerHooks } from 'node:module';
      registerHooks({ resolve: (name, context, next) => {
        if (!name.startsWith('node:') && !name.startsWith('.') && !name.startsWith('/')) console.log(name);
        return next(name, context); } });
      await import(${entry});`;
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect({ status: run.status, packages: run.stdout }).toEqual({ status: 0, packages: '' });
  });
});
