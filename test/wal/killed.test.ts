import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { openRepository } from '../../src/repository/repository.ts';
import { listWal, readArchived } from '../../src/repository/wal-archive.ts';
import { decompress } from '../../src/repository/wal-frames.ts';
import { runToDeath } from '../support/kill-points.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { newArchive, newCluster, run, type TestArchive, type TestCluster, until } from './support.ts';

const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'die.ts');
let cluster: TestCluster;
let archive: TestArchive;
let segment: string;
let plain: Buffer;

beforeAll(async () => {
  cluster = await newCluster();
  archive = await newArchive(cluster);
  await cluster.query('create table load as select g from generate_series(1, 1000) g');
  const [{ name } = {}] = await cluster.query('select pg_walfile_name(pg_switch_wal()) as name');
  segment = path.join(cluster.dataDirectory, 'pg_wal', name!);
  plain = await readFile(segment);
});

const settingsOf = (own: TestArchive) => path.join(own.folder, 'archive', 'archive.json');
const name = () => path.basename(segment);

describe('wal push, killed', () => {
  it.each(['before', 'after'])('just %s the segment is in the store, leaves it whole or not at all', async (when) => {
    const own = await newArchive(cluster);
    const died = await runToDeath(script, [`${when} putIfAbsent ${name()}`, 'push', segment, settingsOf(own)]);
    expect(died.killed).toBe(true);
    const stored = await readFile(own.stored(name())).catch(() => undefined);
    expect(stored === undefined ? when : decompress(stored).equals(plain)).toEqual(when === 'before' ? 'before' : true);
    expect((await own.run(['push', segment])).exitCode).toBe(0);
    expect(decompress(await readFile(own.stored(name()))).equals(plain)).toBe(true);
  });
});

describe('wal push onto a full disk', () => {
  it('ends with 1 and one line, leaves nothing behind, and works when there is space again', async () => {
    const own = await newArchive(cluster);
    const words = [path.join(own.folder, 'archive', 'wal.mjs'), 'push', segment];
    const full = await run('/usr/bin/prlimit', ['--fsize=2000', process.execPath, ...words]);
    expect(full).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^structdb wal push: Cannot write .*\n$/),
    });
    expect((await readdir(path.dirname(own.stored(name())))).filter((each) => !each.endsWith('.sha256'))).toEqual([]);
    expect((await own.run(['push', segment])).exitCode).toBe(0);
    expect(decompress(await readFile(own.stored(name()))).equals(plain)).toBe(true);
  });
});

describe('wal fetch, killed', () => {
  it('at any moment, leaves no file at its target that is not whole', async () => {
    const own = await newArchive(cluster, { prefetchSegments: 0 });
    await own.run(['push', segment]);
    for (let round = 0; round < 4; round += 1) {
      const folder = path.join(await scratchDirectory(), 'pg_wal');
      await mkdir(folder);
      const target = path.join(folder, 'RECOVERYXLOG');
      const words = [path.join(own.folder, 'archive', 'wal.mjs'), 'fetch', name(), target];
      await run('/usr/bin/timeout', ['-s', 'KILL', String(0.04 + round * 0.024), process.execPath, ...words]);
      const found = await readFile(target).catch(() => undefined);
      if (found) expect(found.equals(plain)).toBe(true);
      expect((await own.run(['fetch', name(), target])).exitCode).toBe(0);
      // What the killed one left under its temporary name is gone.
      expect(await readdir(folder)).toEqual(['RECOVERYXLOG']);
    }
  });
});

describe('wal receive, killed', () => {
  // The open segment's upload is named by its LSN, the closed one by itself.
  it.each([
    'after putIfAbsent [0-9A-F]{24}\\.[0-9A-F]+-',
    'before putIfAbsent [0-9A-F]{24}\\.zst$',
    'after putIfAbsent [0-9A-F]{24}\\.zst$',
  ])(
    '%s, and started again, has everything',
    async (point) => {
      const spool = path.join(await scratchDirectory(), 'spool');
      const writing = setInterval(
        () => void cluster.query("select pg_logical_emit_message(true, '', repeat('x', 100000))").catch(() => {}),
        100,
      );
      const switching = setInterval(() => void cluster.query('select pg_switch_wal()').catch(() => {}), 1500);
      const died = await runToDeath(script, [
        point,
        'receive',
        JSON.stringify(cluster.connection),
        settingsOf(archive),
        spool,
      ]);
      clearInterval(writing);
      clearInterval(switching);
      expect({ killed: died.killed, stderr: died.stderr }).toEqual({ killed: true, stderr: '' });
      // pg_receivewal went with it.
      await until('the slot is free', async () => {
        const [slot] = await cluster.query(
          `select active::text from pg_replication_slots where slot_name = 'structdb'`,
        );
        return slot!.active === 'false';
      });
      const [{ last } = {}] = await cluster.query('select pg_walfile_name(pg_switch_wal()) as last');
      const arrived = `after putIfAbsent ${last}\\.zst$`;
      expect(
        (await runToDeath(script, [arrived, 'receive', JSON.stringify(cluster.connection), settingsOf(archive), spool]))
          .killed,
      ).toBe(true);
      const repository = openRepository(archive.store, cluster.systemIdentifier);
      const listing = await listWal(repository);
      const numbers = [...listing.segments.keys()].map((each) => Number.parseInt(each.slice(16), 16));
      expect(numbers).toEqual(numbers.map((_, index) => numbers[0]! + index));
      for (const file of [...listing.segments.values(), ...listing.partials]) await readArchived(repository, file);
    },
    60_000,
  );
});
