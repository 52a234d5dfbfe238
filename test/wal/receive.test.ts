import { type ChildProcess, spawn } from 'node:child_process';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { formatLsn, parseLsn } from '../../src/core/lsn.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { listPartials, listWal } from '../../src/repository/wal-archive.ts';
import type { Store } from '../../src/storage/store.ts';
import { program } from '../support/cli.ts';
import { programs } from '../support/environment.ts';
import { urlOf } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { copyCluster, giveTo, newArchive, newCluster, type TestArchive, type TestCluster, until } from './support.ts';

let cluster: TestCluster;
let base: TestCluster;
let archive: TestArchive;
let project: string;
let spool: string;
let store: Store;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  cluster = await newCluster();
  await cluster.query('create table marker (n int primary key, at timestamptz not null default clock_timestamp())');
  await cluster.stop();
  base = await copyCluster(cluster);
  await cluster.start();
  archive = await newArchive(cluster);
  store = archive.store;
  project = await scratchDirectory();
  spool = path.join(project, 'spool');
  const config = {
    stores: { archive: { type: 'directory', path: archive.storePath } },
    backup: { wal: { store: 'archive' } },
  };
  await writeFile(path.join(project, 'structdb.config.ts'), `export default ${JSON.stringify(config)};\n`);
});

afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

interface Receiver {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  said(): string;
}

function startReceiver(...flags: string[]): Receiver {
  const words = ['wal', 'receive', '--url', urlOf(cluster.connection), '--spool', spool, '--json', ...flags];
  const child = spawn(process.execPath, [program, ...words], {
    cwd: project,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/', ...programs },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  const ended = new Promise<number | null>((resolve) =>
    child.on('close', (code) => {
      running.delete(child);
      resolve(code);
    }),
  );
  return { child, ended, said: () => text };
}

const repository = () => openRepository(store, cluster.systemIdentifier);
const flushed = async () => parseLsn((await cluster.query('select pg_current_wal_flush_lsn()::text as lsn'))[0]!.lsn!)!;

/** How far the store goes: whole segments and the newest upload of an open one. */
async function storedTo(): Promise<bigint> {
  const listing = await listWal(repository());
  const newest = [...listing.segments.keys()].at(-1);
  const ends = listing.partials.map(({ lsn }) => lsn);
  if (newest)
    ends.push((BigInt(`0x${newest.slice(8, 16)}`) << 32n) + (BigInt(`0x${newest.slice(16)}`) + 1n) * 1_048_576n);
  return ends.sort((a, b) => (a < b ? -1 : 1)).at(-1) ?? 0n;
}

async function insert(from: number, to: number): Promise<void> {
  await cluster.query(`insert into marker select g from generate_series(${from}, ${to}) g`);
}

/** Starts a copy of the base on what the store has, and gives the markers that it holds. */
async function recoveredMarkers(): Promise<number> {
  const copy = await copyCluster(base);
  await giveTo(archive.storePath, cluster.user);
  await copy.configure({ restore_command: archive.restoreCommand });
  await writeFile(path.join(copy.dataDirectory, 'recovery.signal'), '');
  await copy.start();
  await until(
    'it is recovered',
    async () => (await copy.query('select pg_is_in_recovery()::text as r'))[0]!.r === 'false',
  );
  const [{ n } = {}] = await copy.query('select count(*)::int::text as n from marker');
  await copy.stop('immediate');
  return Number(n);
}

describe('wal receive', () => {
  it('uploads the open segment within a second of a change, keeps one upload of it, and nothing when idle', async () => {
    const receiver = startReceiver('--no-heartbeat');
    await until('it streams', async () => /Receiving WAL from/.test(receiver.said()));
    await insert(1, 50);
    const lsn = await flushed();
    const began = Date.now();
    await until('it is in the store', async () => (await storedTo()) >= lsn);
    expect(Date.now() - began).toBeLessThan(3000);
    await until('one upload is left', async () => (await listPartials(repository(), '00000001')).length === 1);

    await cluster.query('checkpoint');
    await until('a quiet time changed nothing', async () => {
      const at = await flushed();
      if ((await storedTo()) < at) return false;
      const before = await listPartials(repository(), '00000001');
      await new Promise((resolve) => setTimeout(resolve, 1500));
      if ((await flushed()) !== at) return false;
      expect(await listPartials(repository(), '00000001')).toEqual(before);
      return true;
    });
    receiver.child.kill('SIGTERM');
    expect(await receiver.ended).toBe(0);
    expect(JSON.parse(receiver.said().slice(receiver.said().indexOf('{\n'))).result).toMatchObject({
      slot: 'structdb',
      reconnects: 0,
    });
    await expect(stat(spool)).rejects.toThrow();
  });

  it('stores each segment as it closes, deletes its uploads, and is alone', async () => {
    const receiver = startReceiver('--no-heartbeat');
    await until('it streams', async () => /Receiving WAL from/.test(receiver.said()));
    const second = startReceiver();
    expect(await second.ended).toBe(5);
    expect(second.said()).toContain('wal receive');
    const [{ name } = {}] = await cluster.query('select pg_walfile_name(pg_current_wal_lsn()) as name');
    await insert(51, 100);
    await cluster.query('select pg_switch_wal()');
    await until('the segment is stored', async () => (await listWal(repository())).segments.has(name!));
    await until('its uploads are gone', async () =>
      (await listPartials(repository(), '00000001')).every((each) => each.name !== name),
    );
    receiver.child.kill('SIGINT');
    expect(await receiver.ended).toBe(0);
  });

  it('killed, with its folder lost, and the server with it: about a second is lost at most', async () => {
    const receiver = startReceiver();
    await until('it streams', async () => /Receiving WAL from/.test(receiver.said()));
    const committed: { n: number; at: number }[] = [];
    const end = Date.now() + 5000;
    for (let n = 1000; Date.now() < end; n += 1) {
      await insert(n, n);
      committed.push({ n, at: Date.now() });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const disaster = Date.now();
    receiver.child.kill('SIGKILL');
    await cluster.stop('immediate');
    await receiver.ended;
    await rm(spool, { recursive: true, force: true });

    const recovered = (await recoveredMarkers()) - 100;
    expect(recovered).toBeGreaterThan(0);
    const lost = committed.slice(recovered);
    if (lost.length > 0) expect(disaster - lost[0]!.at).toBeLessThan(2000);
    // The next run goes on, with the lease and slot of the killed one, and fills up what is missing.
    await cluster.start();
    const next = startReceiver();
    await until('everything is in the store', async () => (await storedTo()) >= (await flushed()));
    expect(await recoveredMarkers()).toBe(100 + committed.length);
    next.child.kill('SIGTERM');
    expect(await next.ended).toBe(0);
  });

  it('survives a restart of the server, and a store that is gone for a while', async () => {
    const receiver = startReceiver();
    await until('it streams', async () => /Receiving WAL from/.test(receiver.said()));
    await cluster.stop();
    await cluster.start();
    await insert(5000, 5100);
    await until('it goes on', async () => (await storedTo()) >= (await flushed()));
    const wal = path.join(archive.storePath, cluster.systemIdentifier, 'wal');
    await rename(wal, `${wal}-away`);
    await writeFile(wal, 'not a folder');
    await insert(5101, 5200);
    await cluster.query('select pg_switch_wal()');
    await until('it says so', async () => /It is tried again/.test(receiver.said()));
    await rm(wal);
    await rename(`${wal}-away`, wal);
    await until('everything is in the store', async () => (await storedTo()) >= (await flushed()));
    receiver.child.kill('SIGTERM');
    expect(await receiver.ended).toBe(0);
    expect(formatLsn(await storedTo())).toMatch(/\//);
    const [{ beats } = {}] = await cluster.query('select count(*)::text as beats from structdb.heartbeat');
    expect(beats).toBe('1');
  });

  it('follows a server onto its next timeline', async () => {
    const receiver = startReceiver();
    await until('it streams', async () => /Receiving WAL from/.test(receiver.said()));
    await cluster.stop();
    await writeFile(path.join(cluster.dataDirectory, 'recovery.signal'), '');
    await giveTo(path.join(cluster.dataDirectory, 'recovery.signal'), cluster.user);
    await cluster.configure({ restore_command: 'false' });
    await cluster.start();
    await until(
      'it is promoted',
      async () => (await cluster.query('select pg_is_in_recovery()::text as r'))[0]!.r === 'false',
    );
    await insert(9000, 9100);
    await until(
      'the new timeline is stored',
      async () => (await listWal(repository())).histories.has('00000002.history'),
      60_000,
    );
    await cluster.query('select pg_switch_wal()');
    await until(
      'its segments are',
      async () => [...(await listWal(repository())).segments.keys()].some((each) => each.startsWith('00000002')),
      60_000,
    );
    await until('all is in the store', async () => (await storedTo()) >= (await flushed()));
    receiver.child.kill('SIGTERM');
    expect(await receiver.ended).toBe(0);
  });
});
