import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, open } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { listStore, type RunOptions, runBackup, showBackup, verifyBackups } from '../../src/backup/index.ts';
import { startServer, stopServer } from '../../src/postgres/cluster.ts';
import { findBackup } from '../../src/repository/backups.ts';
import { chainOf } from '../../src/repository/chain.ts';
import type { ClusterManifest } from '../../src/repository/manifest.ts';
import { openSealing } from '../../src/storage/age-sealing.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import {
  type ArchivingServer,
  archivingServer,
  baseOptions,
  filesOfBackups,
  folderOf,
  unpackByHand,
  withRestored,
} from '../backup/cluster-support.ts';
import { testContext } from '../support/context.ts';
import { runToDeath } from '../support/kill-points.ts';
import { type OtherMajor, otherMajor } from '../support/other-major.ts';
import { sql } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';

const scratch = await scratchDirectory();
let major: OtherMajor;
let server: ArchivingServer;

beforeAll(async () => {
  major = await otherMajor(18);
  server = await archivingServer({ summarize_wal: 'on', min_wal_size: '32MB', max_wal_size: '48MB' }, major);
  await sql(server.connection, (client) =>
    client.query('create table marks as select i, md5(i::text) as t from generate_series(1, 100000) i'),
  );
}, 300_000);

const options = (more: Partial<RunOptions> = {}) => baseOptions(server, { places: major.places, ...more });
const increment = async (context = testContext()) => {
  const made = await runBackup(options({ kind: 'incremental' }), context);
  return { ...made, told: context.events.map((event) => ('message' in event ? event.message : '')) };
};
const manifestOf = async (label: string) =>
  (await showBackup({ store: options().store, label })).manifest as ClusterManifest;
const change = (statement: string) => sql(server.connection, (client) => client.query(statement));

describe('Increments on PostgreSQL 18', () => {
  let chain: string[];

  it('begin with a full backup, and each holds what changed since the one before', async () => {
    const first = await increment();
    expect(first).toMatchObject({ kind: 'base', parent: null });
    expect(first.told).toContainEqual(expect.stringContaining('there is no backup yet that it could be relative to'));
    await change(`update marks set t = 'second' where i <= 500`);
    const second = await increment();
    await change(`delete from marks where i > 99000`);
    await change(`create table later as select 1 as one`);
    const third = await increment();
    expect([second, third]).toMatchObject([
      { kind: 'incremental', parent: first.label },
      { kind: 'incremental', parent: second.label },
    ]);
    // The WAL inside is the larger part of so small an increment.
    expect(second.sizeBytes).toBeLessThan(first.sizeBytes / 1.5);
    chain = [first.label, second.label, third.label];
    expect((await listStore(options())).map(({ parent }) => parent)).toEqual([null, first.label, second.label]);
    const links = await chainOf(await findBackup(options().store, third.label));
    expect(links.map(({ entry }) => entry.label)).toEqual(chain);
  });

  it('are put together by stock pg_combinebackup to a server that has all of it', async () => {
    const root = await mkdtemp(path.join(scratch, 'chain-'));
    const folders: string[] = [];
    for (const label of chain) {
      const target = path.join(root, label);
      await unpackByHand(folderOf(server, await manifestOf(label)), target, root, major.places);
      folders.push(target);
    }
    const whole = path.join(root, 'whole');
    execFileSync(path.join(major.directory, 'pg_combinebackup'), ['--no-sync', '-o', whole, ...folders], {
      stdio: 'pipe',
    });
    await withRestored(server, whole, async (connection) => {
      const { rows } = await sql(connection, (client) =>
        client.query(
          `select count(*)::int as n, count(*) filter (where t = 'second')::int as changed, (select one from later) from marks`,
        ),
      );
      expect(rows).toEqual([{ n: 99_000, changed: 500, one: 1 }]);
    });
  });

  it('are verified with their parents, to the last file of what they are put together to', async () => {
    const verify = (deep: boolean) => verifyBackups({ ...options(), label: chain[2]!, deep }, testContext());
    expect(await verify(true)).toMatchObject([{ ok: true, deep: true }]);
    const [base] = await Promise.all([manifestOf(chain[0]!)]);
    const file = path.join(folderOf(server, base), 'base.tar.zst');
    const unflip = await flip(file);
    expect((await verify(false))[0]!.problems).toEqual([expect.stringContaining('base.tar.zst was altered')]);
    // Nothing is built on what is broken.
    const next = await increment();
    expect(next).toMatchObject({ kind: 'base', parent: null });
    expect(next.told).toContainEqual(expect.stringContaining(`${chain[2]} is broken`));
    await unflip();
  }, 240_000);

  it('cannot be put together when a link is missing, and say which', async () => {
    await change('select pg_switch_wal()');
    const { label, parent } = await increment();
    const folder = folderOf(server, await manifestOf(parent!));
    execFileSync('mv', [path.join(folder, 'manifest.json'), path.join(folder, 'away')]);
    expect((await verifyBackups({ ...options(), label }, testContext()))[0]!.problems).toEqual([
      expect.stringContaining(`${parent}, the parent of ${label}, is not in the store`),
    ]);
    execFileSync('mv', [path.join(folder, 'away'), path.join(folder, 'manifest.json')]);
    expect(await verifyBackups({ ...options(), label }, testContext())).toMatchObject([{ ok: true }]);
  });

  it('need the secret key in an encrypted store, and are verified with it', async () => {
    const identity = await generateIdentity();
    const identityFile = path.join(scratch, 'identity.txt');
    writeFileSync(identityFile, `${identity}\n`);
    const location = path.join(await mkdtemp(path.join(scratch, 'sealed-')), 'store');
    const recipients = [await identityToRecipient(identity)];
    const open = async (file?: string) => {
      const sealing = await openSealing({ recipients, identityFile: file, useProgram: false });
      return openDirectoryStore({ path: location, uid: process.geteuid?.(), sealing });
    };
    const run = async (file?: string) =>
      runBackup(options({ kind: 'incremental', store: await open(file), walStore: options().store }), testContext());
    const first = await run();
    expect([first, await run()]).toMatchObject([{ kind: 'base' }, { kind: 'base' }]);
    const { kind, label } = await run(identityFile);
    expect(kind).toBe('incremental');
    const store = await open(identityFile);
    const [result] = await verifyBackups({ store, places: major.places, label, deep: true }, testContext());
    expect(result).toMatchObject({ ok: true, problems: [] });
  });

  it('become full where summaries of WAL are missing', async () => {
    // So much WAL that what was before is recycled: it cannot be summarized anew.
    for (let round = 0; round < 8; round += 1) {
      await change(`update marks set t = t || '.' where i % 3 = 0`);
      await change('select pg_switch_wal()');
      await change('checkpoint');
    }
    await stopServer(server);
    rmSync(path.join(server.dataDirectory, 'pg_wal/summaries'), { recursive: true });
    mkdirSync(path.join(server.dataDirectory, 'pg_wal/summaries'), { mode: 0o700 });
    if (server.user)
      execFileSync('chown', [
        `${server.user.uid}:${server.user.gid}`,
        path.join(server.dataDirectory, 'pg_wal/summaries'),
      ]);
    await start();
    await change('checkpoint');
    const before = await filesOfBackups(server);
    const { kind, told, label } = await increment();
    expect(kind).toBe('base');
    expect(told).toContainEqual(expect.stringContaining('has not all summaries'));
    const after = (await filesOfBackups(server)).filter((file) => !before.includes(file));
    expect(new Set(after.map((file) => file.split('/')[0]))).toEqual(new Set([label]));
  }, 240_000);

  it('become full after a promotion', async () => {
    const { kind: before } = await increment();
    expect(before).toBe('incremental');
    await stopServer(server);
    writeFileSync(path.join(server.dataDirectory, 'standby.signal'), '');
    chmodSync(path.join(server.dataDirectory, 'standby.signal'), 0o644);
    await start();
    await change('select pg_promote()');
    const { kind, told, label } = await increment();
    expect(kind).toBe('base');
    expect(told).toContainEqual(expect.stringMatching(/the server was promoted since .* \(timeline 1, now 2\)/));
    expect(await manifestOf(label)).toMatchObject({ timeline: 2 });
    expect(await increment()).toMatchObject({ kind: 'incremental', parent: label });
  }, 240_000);

  it.each(['base', 'incremental'] as const)(
    'and full backups killed at every point leave nothing that is listed and broken: %s',
    async (kind) => {
      const script = fileURLToPath(new URL('../backup/killed.ts', import.meta.url));
      const { connection, storeDirectory } = server;
      const what = JSON.stringify({ connection, storeDirectory, kind });
      const { points, exitCode, stderr } = await runToDeath(script, [what]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      // Up to the copy both kinds go the same way.
      const first = kind === 'base' ? 0 : points.indexOf('step backup.copy');
      let listed = await labels();
      for (const point of new Set(points.slice(first))) {
        const died = await runToDeath(script, [what, point]);
        expect([died.killed, died.points.at(-1)]).toEqual([true, point]);
        const now = await labels();
        for (const label of now.filter((each) => !listed.includes(each))) {
          expect(await verifyBackups({ ...options(), label }, testContext())).toMatchObject([{ ok: true }]);
        }
        listed = now;
      }
      const made = await runBackup(options({ kind }), testContext());
      expect(await verifyBackups({ ...options(), label: made.label, deep: true }, testContext())).toMatchObject([
        { ok: true },
      ]);
      expect([...new Set((await filesOfBackups(server)).map((file) => file.split('/')[0]))].sort()).toEqual(
        await labels(),
      );
    },
    240_000,
  );
});

async function labels(): Promise<string[]> {
  const backups = await listStore(options());
  expect(backups.filter(({ problem }) => problem !== null)).toEqual([]);
  return backups.map(({ label }) => label);
}

async function start(): Promise<void> {
  await startServer({ ...server, logFile: path.join(server.directory, 'server.log') }, testContext());
}

async function flip(file: string): Promise<() => Promise<void>> {
  const change = async () => {
    const handle = await open(file, 'r+');
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, 1000);
    byte[0]! ^= 1;
    await handle.write(byte, 0, 1, 1000);
    await handle.close();
  };
  await change();
  return change;
}
