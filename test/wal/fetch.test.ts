import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { formatLsn } from '../../src/core/lsn.ts';
import type { ArchiveChoices } from '../../src/repository/archive-settings.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { partialKey, readWal } from '../../src/repository/wal-archive.ts';
import { compress } from '../../src/repository/wal-frames.ts';
import { segmentName, segmentNumber, startOfSegment } from '../../src/repository/wal-names.ts';
import { structdb } from '../support/cli.ts';
import { scratchDirectory } from '../support/scratch.ts';
import {
  copyCluster,
  giveTo,
  newArchive,
  newCluster,
  run,
  SEGMENT_BYTES,
  type TestArchive,
  type TestCluster,
  until,
} from './support.ts';

let primary: TestCluster;
/** As the cluster was before most of its WAL. */
let copy: TestCluster;
let archive: TestArchive;
/** Names of the archived segments that replay from the copy needs. */
let segments: string[];

/** One server archives some thirty segments behind a copy of its data directory. */
beforeAll(async () => {
  primary = await newCluster({ archive_mode: 'on' });
  archive = await newArchive(primary);
  await primary.stop();
  copy = await copyCluster(primary);
  await primary.configure({ archive_command: archive.archiveCommand });
  await primary.start();
  await primary.query('create table marker (n int primary key, filler text)');
  for (let n = 0; n < 12; n += 1) {
    await primary.query(
      `insert into marker select g, repeat(md5(g::text), 30) from generate_series(${n * 1000}, ${n * 1000 + 999}) g`,
    );
  }
  await primary.query('select pg_switch_wal()');
  await primary.stop();
  segments = (await readdir(path.dirname(archive.stored('00000001'.padEnd(24, '0')))))
    .filter((name) => /^[0-9A-F]{24}\.zst$/.test(name))
    .map((name) => name.slice(0, 24))
    .sort();
  expect(segments.length).toBeGreaterThan(10);
});

/** Where PostgreSQL would have the file put. */
async function target(name = 'RECOVERYXLOG'): Promise<string> {
  const folder = path.join(await scratchDirectory(), 'pg_wal');
  await mkdir(folder);
  return path.join(folder, name);
}

const plain = async (name: string) => (await readWal(openRepository(archive.store, primary.systemIdentifier), name))!;

/** The archive's store under another archive.json, so that a test may break it. */
async function brokenCopy(choices: Partial<ArchiveChoices> = {}): Promise<TestArchive> {
  const own = await newArchive(primary, choices);
  await cp(archive.storePath, own.storePath, { recursive: true });
  return own;
}

describe('wal fetch', () => {
  it('brings a segment whole, under the name it is told, and leaves nothing beside it', async () => {
    const file = await target();

    expect(await archive.run(['fetch', segments[3]!, file])).toEqual({ exitCode: 0, signal: null, stderr: '' });

    expect((await readFile(file)).equals(await plain(segments[3]!))).toBe(true);
    expect(await readdir(path.dirname(file))).toEqual(['RECOVERYXLOG']);
  });

  it('ends with 1 only when the store says that the file is not there, and with the code that a shell was told', async () => {
    const file = await target();
    const next = segmentName(1, segmentNumber(segments.at(-1)!, SEGMENT_BYTES) + 1n, SEGMENT_BYTES);
    for (const name of [next, '00000002.history']) {
      expect(await archive.run(['fetch', name, file])).toEqual({ exitCode: 1, signal: null, stderr: '' });
    }
    expect((await archive.run(['fetch', '--absent', '93', next, file])).exitCode).toBe(93);
    expect(await readdir(path.dirname(file))).toEqual([]);
  });

  it('the restore_command gives 0, 1 and 200, and 200 also without its program', async () => {
    const own = await brokenCopy();
    const file = await target();
    const call = (name: string) =>
      run('/bin/sh', ['-c', own.restoreCommand.replace('%f', name).replace('%p', file)]).then(
        (ended) => ended.exitCode,
      );
    expect(await call(segments[0]!)).toBe(0);
    expect(await call('00000009.history')).toBe(1);
    await rm(path.join(own.folder, 'archive', 'archive.json'));
    expect(await call(segments[0]!)).toBe(200);
    await rm(path.join(own.folder, 'archive', 'wal.mjs'));
    expect(await call(segments[0]!)).toBe(200);
  });

  it('never ends with 1 when something is wrong: the message is one line', async () => {
    const file = await target();
    const damaged = await brokenCopy({ timeoutMs: 20_000 });
    const bytes = await readFile(damaged.stored(segments[0]!));
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(damaged.stored(segments[0]!), bytes);
    await rename(damaged.stored(segments[1]!), damaged.stored(segments[2]!));
    await rename(`${damaged.stored(segments[1]!)}.sha256`, `${damaged.stored(segments[2]!)}.sha256`);
    const unmounted = await brokenCopy();
    await rm(unmounted.storePath, { recursive: true });
    const foreign = await brokenCopy({ systemIdentifier: '1' });
    await rename(path.join(foreign.storePath, primary.systemIdentifier), path.join(foreign.storePath, '1'));
    const cases = [
      damaged.run(['fetch', segments[0]!, file]),
      damaged.run(['fetch', segments[2]!, file]),
      unmounted.run(['fetch', segments[0]!, file]),
      foreign.run(['fetch', segments[0]!, file]),
      archive.run(['fetch', segments[0]!, '/nonexistent/pg_wal/RECOVERYXLOG']),
      archive.run(['fetch', 'postgresql.conf', file]),
      archive.run(['fetch']),
    ];
    const ended = await Promise.all(cases);
    const said = [
      /was altered/,
      /another part of the WAL/,
      /has no repository/,
      /of the cluster/,
      /Cannot write/,
      /not the name of a WAL file\. restore_command passes %f/,
      /usage/,
    ];
    for (const [index, { exitCode, stderr }] of ended.entries()) {
      expect({ exitCode, stderr }).toEqual({ exitCode: 200, stderr: expect.stringMatching(said[index]!) });
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    }
    expect(await readdir(path.dirname(file))).toEqual([]);
  });
});

describe('structdb wal fetch', () => {
  it('does the same by hand: 0, 1 for absent, 200 for everything else, wrong usage included', async () => {
    const file = await target();
    const flag = ['--archive', path.join(archive.folder, 'archive', 'archive.json')];
    expect((await structdb(['wal', 'fetch', segments[0]!, file, ...flag])).exitCode).toBe(0);
    expect((await readFile(file)).equals(await plain(segments[0]!))).toBe(true);
    expect((await structdb(['wal', 'fetch', '00000009.history', file, ...flag])).exitCode).toBe(1);
    const noArchive = await structdb(['wal', 'fetch', segments[0]!, file, '--json']);
    expect(noArchive).toMatchObject({ exitCode: 200, json: { ok: false, error: { code: 'WAL_FETCH_FAILED' } } });
    expect((await structdb(['wal', 'fetch', segments[0]!])).exitCode).toBe(200);
    // What fails before the command itself begins.
    const cwd = path.dirname(file);
    await mkdir(path.join(cwd, '.env'));
    for (const [verb, code] of [
      ['fetch', 200],
      ['push', 1],
    ] as const) {
      const run = await structdb(['wal', verb, segments[0]!, ...(verb === 'fetch' ? [file] : []), '--json'], { cwd });
      expect([run.exitCode, run.json.exitCode, run.json.error.code]).toEqual([code, code, 'FILE_UNREADABLE']);
    }
  });
});

describe('what a receiver had of the last segment', () => {
  const repository = (own: TestArchive) => openRepository(own.store, primary.systemIdentifier);
  const last = () => segments.at(-1)!;
  /** Uploads the beginning of a segment as `wal receive` does. */
  async function upload(own: TestArchive, name: string, bytes: number): Promise<void> {
    const { createHash } = await import('node:crypto');
    const content = (await plain(name)).subarray(0, bytes);
    const lsn = startOfSegment(name, SEGMENT_BYTES) + BigInt(bytes);
    await own.store.putIfAbsent(partialKey(repository(own), name, lsn, '.zst'), await compress(content), {
      plainSha256: createHash('sha256').update(content).digest('hex'),
    });
  }
  const remove = (own: TestArchive, name: string) =>
    own.store.delete(repository(own).keys.wal('00000001', `${name}.zst`));

  it('is served as the segment at the end of WAL only: the newest upload, filled up with zeros', async () => {
    const own = await brokenCopy();
    await upload(own, last(), 8192);
    await upload(own, last(), 65_536);
    const file = await target();

    expect((await own.run(['fetch', last(), file])).stderr).toBe('');
    expect((await readFile(file)).equals(await plain(last()))).toBe(true);

    await remove(own, last());
    const served = await own.run(['fetch', last(), file]);
    const end = formatLsn(startOfSegment(last(), SEGMENT_BYTES) + 65_536n);
    expect(served).toMatchObject({ exitCode: 0, stderr: expect.stringContaining(`up to ${end}`) });
    const content = await readFile(file);
    expect(content).toHaveLength(SEGMENT_BYTES);
    expect(content.subarray(0, 65_536).equals((await plain(last())).subarray(0, 65_536))).toBe(true);
    expect(content.subarray(65_536).every((byte) => byte === 0)).toBe(true);
  });

  it('is not served where WAL goes on behind it', async () => {
    const own = await brokenCopy();
    const before = segments.at(-2)!;
    await upload(own, before, 65_536);
    await remove(own, before);
    expect((await own.run(['fetch', before, await target()])).exitCode).toBe(1);
    // Also when all that follows is another upload.
    await remove(own, last());
    await upload(own, last(), 8192);
    expect((await own.run(['fetch', before, await target()])).exitCode).toBe(1);
  });

  it('damaged, is an error and not the end of WAL', async () => {
    const own = await brokenCopy();
    await upload(own, last(), 8192);
    await remove(own, last());
    const [stored] = await readdir(path.join(path.dirname(own.stored(last())), 'partial'));
    const file = path.join(path.dirname(own.stored(last())), 'partial', stored!);
    const bytes = await readFile(file);
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(file, bytes);
    expect((await own.run(['fetch', last(), await target()])).exitCode).toBe(200);
  });
});

describe('fetching ahead', () => {
  const queues = (own: TestArchive): Promise<string[]> =>
    readdir(path.join(own.settings.stateDirectory, 'prefetch')).catch(() => []);

  it('keeps the next segments ready, and cleans up at the end of WAL', async () => {
    const own = await brokenCopy({ prefetchSegments: 3 });
    const file = await target();
    expect((await own.run(['fetch', segments[0]!, file])).exitCode).toBe(0);
    const [queue] = await queues(own);
    const ready = async () =>
      (await readdir(path.join(own.settings.stateDirectory, 'prefetch', queue!)).catch(() => []))
        .filter((name) => /^0/.test(name))
        .sort();
    await until('three segments are ready', async () => (await ready()).length === 3);
    expect(await ready()).toEqual(segments.slice(1, 4));
    // What is ready is used, also when the store has lost it meanwhile.
    await rm(own.stored(segments[1]!));
    for (const name of segments.slice(1)) {
      expect((await own.run(['fetch', name, file])).exitCode).toBe(0);
      expect((await readFile(file)).equals(await plain(name))).toBe(true);
    }
    await until('nothing is left', async () => (await queues(own)).length === 0);
  });

  it('answers without Node when a segment is ready', async () => {
    const own = await brokenCopy();
    const file = await target();
    const call = (name: string) =>
      run('/bin/sh', ['-c', own.restoreCommand.replace('%f', name).replace('%p', file)]).then(
        ({ exitCode }) => exitCode,
      );
    expect(await call(segments[0]!)).toBe(0);
    const [queue] = await queues(own);
    const folder = path.join(own.settings.stateDirectory, 'prefetch', queue!);
    await until('the next is ready', async () => (await readdir(folder)).includes(segments[1]!));
    await rm(path.join(own.folder, 'archive', 'wal.mjs'));
    expect(await call(segments[1]!)).toBe(0);
    expect((await readFile(file)).equals(await plain(segments[1]!))).toBe(true);
    expect(await readdir(path.dirname(file))).toEqual(['RECOVERYXLOG']);
  });

  it('leaves pg_rewind alone, and never uses what another recovery left', async () => {
    const own = await brokenCopy();
    const rewind = await target(segments[0]!);
    expect((await own.run(['fetch', segments[0]!, rewind])).exitCode).toBe(0);
    expect(await queues(own)).toEqual([]);

    const file = await target();
    expect((await own.run(['fetch', segments[0]!, file])).exitCode).toBe(0);
    await until('something is ready', async () => {
      const [queue] = await queues(own);
      return (
        await readdir(path.join(own.settings.stateDirectory, 'prefetch', queue ?? '')).catch((): string[] => [])
      ).includes(segments[1]!);
    });
    await rm(own.stored(segments[1]!));
    expect((await own.run(['fetch', segments[1]!, await target()])).exitCode).toBe(1);
  });

  it('a damaged segment is not fetched ahead as if it were whole', async () => {
    const own = await brokenCopy({ timeoutMs: 20_000 });
    const bytes = await readFile(own.stored(segments[1]!));
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(own.stored(segments[1]!), bytes);
    const file = await target();
    expect((await own.run(['fetch', segments[0]!, file])).exitCode).toBe(0);
    expect((await own.run(['fetch', segments[1]!, file])).exitCode).toBe(200);
  });
});

describe('a server that recovers through wal fetch', () => {
  let own: TestArchive;
  let second: TestCluster;
  const isWritable = async (cluster: TestCluster) =>
    (await cluster.query('select pg_is_in_recovery()::text as r'))[0]!.r === 'false';
  /** Starts a copy of the base as a server that recovers from the archive and then archives into it. */
  async function recover(cluster: TestCluster): Promise<void> {
    const { restoreCommand, archiveCommand } = own;
    await cluster.configure({ archive_mode: 'on', archive_command: archiveCommand, restore_command: restoreCommand });
    await writeFile(path.join(cluster.dataDirectory, 'recovery.signal'), '');
    await cluster.start();
    await until('it accepts writes', () => isWritable(cluster));
  }

  it('replays everything with segments fetched ahead, promotes, and nothing is left', async () => {
    own = await brokenCopy();
    await giveTo(own.storePath, primary.user);
    second = await copyCluster(copy);
    await recover(copy);
    expect(await copy.query('select count(*)::int as n, max(n) as last from marker')).toEqual([
      { n: 12_000, last: 11_999 },
    ]);
    const log = await readFile(path.join(copy.directory, 'server.log'), 'utf8');
    for (const name of segments.slice(2)) expect(log).toContain(`restored log file "${name}" from archive`);
    await until('the queue is gone', async () => {
      return (await readdir(path.join(own.settings.stateDirectory, 'prefetch'))).length === 0;
    });
  });

  it('and was promoted beside its former primary: both archive into one place, and a third follows the new timeline', async () => {
    await copy.query('insert into marker values (20000, $$new$$)');
    await copy.query('select pg_switch_wal()');
    // The former primary goes on, on its own timeline, with the same archive.
    await primary.configure({ archive_command: own.archiveCommand });
    await primary.start();
    await primary.query('insert into marker values (30000, $$old$$)');
    await primary.query('select pg_switch_wal()');
    const archived = (cluster: TestCluster) => async () => {
      const [row] = await cluster.query(
        `select (select count(*) from pg_ls_archive_statusdir() where name like '%.ready')::text as waiting,
                failed_count::text as failed from pg_stat_archiver`,
      );
      return row!.waiting === '0' && row!.failed === '0';
    };
    for (const cluster of [copy, primary]) await until('all is archived', archived(cluster));
    for (const cluster of [copy, primary]) await cluster.stop();

    await recover(second);
    expect(await second.query('select n, filler from marker where n >= 20000')).toEqual([{ n: 20_000, filler: 'new' }]);
    await second.stop();
  });
});
