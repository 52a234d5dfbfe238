import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { WalEndMemory } from '../../src/repository/wal-end-memory.ts';
import type { ByteRange, Store } from '../../src/storage/store.ts';
import { walStatus } from '../../src/wal/index.ts';
import { type CliResult, structdb } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { testPlaces } from '../support/environment.ts';
import { urlOf } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { newArchive, newCluster, type TestArchive, type TestCluster, until } from './support.ts';

let cluster: TestCluster;
let archive: TestArchive;
let project: string;
let label: string;

/** A server that archives, with a base backup and some segments behind it. */
beforeAll(async () => {
  cluster = await newCluster({ archive_mode: 'on' });
  archive = await newArchive(cluster);
  await cluster.configure({ archive_command: archive.archiveCommand });
  await cluster.query('select pg_reload_conf()');
  project = await scratchDirectory();
  const config = {
    stores: { archive: { type: 'directory', path: archive.storePath } },
    backup: { daily: { store: 'archive' }, wal: { store: 'archive' } },
  };
  await writeFile(path.join(project, 'structdb.config.ts'), `export default ${JSON.stringify(config)};\n`);
  const made = await wal(['backup', 'run', '--kind', 'base', '--url', urlOf(cluster.connection)]);
  if (made.exitCode !== 0) throw new Error(made.stderr);
  label = made.json.result.label;
  for (let n = 0; n < 4; n += 1) {
    await cluster.query(`create table filler_${n} as select g from generate_series(1, 100) g`);
    await cluster.query('select pg_switch_wal()');
  }
  await until('all is archived', async () => (await names()).length >= 5);
  await until('nothing waits', async () => (await status()).json.result.server.waiting === 0);
});

const wal = (args: readonly string[]): Promise<CliResult> => structdb([...args, '--json'], { cwd: project });
const status = () => wal(['wal', 'status', '--url', urlOf(cluster.connection)]);
const folder = () => path.join(archive.storePath, cluster.systemIdentifier, 'wal', '00000001');
const names = async () =>
  (await readdir(folder()).catch((): string[] => [])).filter((name) => /^[0-9A-F]{24}\.zst$/.test(name)).sort();

/** With one object away, as if it had never come. */
async function without<T>(name: string, work: () => Promise<T>): Promise<T> {
  const file = path.join(folder(), name);
  await rename(file, `${project}/away`);
  try {
    return await work();
  } finally {
    await rename(`${project}/away`, file);
  }
}

/** With one byte of an object flipped. */
async function damaged<T>(file: string, work: () => Promise<T>): Promise<T> {
  const bytes = await readFile(file);
  const changed = Buffer.from(bytes);
  changed[changed.length >> 1]! ^= 1;
  await writeFile(file, changed);
  try {
    return await work();
  } finally {
    await writeFile(file, bytes);
  }
}

describe('wal status', () => {
  it('tells what is there, what can be brought back, and how the archiver is', async () => {
    const { exitCode, json } = await status();
    expect({ exitCode, ok: json.ok }).toEqual({ exitCode: 0, ok: true });
    const all = await names();
    expect(json.result.clusters).toEqual([
      expect.objectContaining({
        systemIdentifier: cluster.systemIdentifier,
        baseBackups: 1,
        missing: [],
        timelines: [
          expect.objectContaining({ timeline: 1, segments: all.length, newest: all.at(-1)!.slice(0, 24), holes: [] }),
        ],
        windows: [expect.objectContaining({ bases: [label], missing: null })],
      }),
    ]);
    const { rows } = { rows: await cluster.query('select last_archived_wal as last from pg_stat_archiver') };
    expect(json.result.server).toMatchObject({
      lastArchived: rows[0]!.last,
      failing: false,
      waiting: 0,
      behindSegments: 0,
    });
  });

  it('ends with 4 and names the missing segment when the window has a hole, also without a server', async () => {
    const missing = (await names()).at(-2)!;
    await without(missing, async () => {
      for (const { exitCode, json } of [await status(), await wal(['wal', 'status'])]) {
        expect(exitCode).toBe(4);
        expect(json.error.message).toContain(missing.slice(0, 24));
        expect(json.error.details.join()).toContain(label);
        expect(json.result.clusters[0].missing).toEqual([
          { segment: missing.slice(0, 24), base: label, inWindow: true, since: expect.stringMatching(/^20/) },
        ]);
      }
    });
  });

  it('ends with 3 while archiving fails, and says at which file', async () => {
    await cluster.query(`alter system set archive_command = 'false'`);
    await cluster.query('select pg_reload_conf()');
    await cluster.query('create table more as select 1 as one');
    await cluster.query('select pg_switch_wal()');
    await until('a failure is counted', async () => (await status()).exitCode === 3);
    const { json } = await status();
    expect(json.error).toMatchObject({
      code: 'WAL_BEHIND',
      message: expect.stringContaining(json.result.server.lastFailed),
    });
    expect(json.result.server.waiting).toBeGreaterThan(0);
    await cluster.query('alter system reset archive_command');
    await cluster.query('select pg_reload_conf()');
    await until('it is well again', async () => (await status()).exitCode === 0);
  });
});

describe('a look that remembers the one before', () => {
  it('tells the same, reads nothing twice, and from where it ended when there is more', async () => {
    const read: string[] = [];
    const watched: Store = new Proxy(archive.store, {
      get(store, method, self) {
        if (method === 'get') {
          return (key: string, range?: ByteRange) => {
            if (/\/wal\/.*[0-9A-F]{24}\.zst$/.test(key)) read.push(path.basename(key, '.zst'));
            return store.get(key, range);
          };
        }
        const value = Reflect.get(store, method, self);
        return typeof value === 'function' ? value.bind(store) : value;
      },
    });
    const look = async (memory?: WalEndMemory) => {
      read.length = 0;
      const found = await walStatus(
        {
          walStore: watched,
          stores: [watched],
          connection: undefined,
          slot: 'structdb',
          recoveryWindowMs: 7 * 86_400_000,
          trimLimitBytes: null,
          places: testPlaces(),
          memory,
        },
        testContext(),
      );
      return { windows: found.clusters[0]!.windows, read: [...read] };
    };
    const memory = new WalEndMemory();
    const first = await look(memory);
    expect(first.windows).toEqual((await look()).windows);
    expect(first.read).not.toEqual([]);
    expect(await look(memory)).toEqual({ windows: first.windows, read: [] });

    const last = (await names()).at(-1)!.slice(0, 24);
    // One segment with a commit, and one without.
    for (const statement of ['create table remembered as select 1 as one', 'select 1']) {
      const before = (await names()).length;
      await cluster.query(statement);
      await cluster.query(`select pg_logical_emit_message(false, 'a', 'b'), pg_switch_wal()`);
      await until('it is archived', async () => (await names()).length > before);
      const anew = await look();
      const { windows, read: again } = await look(memory);
      expect(windows).toEqual(anew.windows);
      expect([...again].sort()[0]! >= last).toBe(true);
    }
    const hole = (await names()).at(-2)!;
    await without(hole, async () => expect((await look(memory)).windows).toEqual((await look()).windows));
    expect((await look(memory)).windows).toEqual((await look()).windows);
  });
});

describe('wal verify', () => {
  it('reads everything, and finds nothing wrong with what is right', async () => {
    const { exitCode, json } = await wal(['wal', 'verify']);
    expect(exitCode).toBe(0);
    const [found] = json.result.archives;
    expect(found).toMatchObject({ ok: true, problems: [], holes: [], unread: 0 });
    expect(found.read).toBe(found.files);
    expect(found.files).toBeGreaterThan((await names()).length);
  });

  it('names the object of which one byte was flipped, of each kind', async () => {
    const files = await readdir(folder());
    const kinds = [
      (await names())[1]!,
      files.find((name) => name.endsWith('.backup.zst'))!,
      `${(await names())[2]}.sha256`,
    ];
    for (const name of kinds) {
      const { exitCode, json } = await damaged(path.join(folder(), name), () => wal(['wal', 'verify']));
      expect({ name, exitCode }).toEqual({ name, exitCode: 4 });
      expect(json.error.code).toBe('WAL_CORRUPT');
      expect(json.result.archives[0].problems).toEqual([
        { key: expect.stringContaining(name.replace('.sha256', '')), what: expect.stringMatching(/altered/) },
      ]);
    }
  });

  it('finds holes by names alone, and a segment of another place in the WAL by its header', async () => {
    const [first, second] = await names();
    await without(second!, async () => {
      const { exitCode, json } = await wal(['wal', 'verify', '--quick']);
      expect(exitCode).toBe(4);
      expect(json.result.archives[0].holes).toEqual([
        expect.objectContaining({ first: second!.slice(0, 24), segments: 1 }),
      ]);
      expect(json.result.archives[0].read).toBe(0);
    });
    const file = path.join(folder(), second!);
    const [content, note] = [await readFile(file), await readFile(`${file}.sha256`)];
    await writeFile(file, await readFile(path.join(folder(), first!)));
    await writeFile(`${file}.sha256`, await readFile(path.join(folder(), `${first}.sha256`)));
    const { exitCode, json } = await wal(['wal', 'verify']);
    await writeFile(file, content);
    await writeFile(`${file}.sha256`, note);
    expect(exitCode).toBe(4);
    expect(json.result.archives[0].problems).toEqual([
      { key: expect.stringContaining(second!), what: expect.stringContaining('another part of the WAL') },
    ]);
  });

  it('says of a segment of another cluster whose it is', async () => {
    const other = await newCluster({ archive_mode: 'on' });
    const foreign = await newArchive(other);
    await other.configure({ archive_command: foreign.archiveCommand });
    await other.query('select pg_reload_conf()');
    await other.query('select pg_switch_wal()');
    const theirs = path.join(foreign.storePath, other.systemIdentifier, 'wal', '00000001');
    await until('it archives', async () =>
      (await readdir(theirs).catch(() => [])).some((name) => name.endsWith('.zst')),
    );
    const name = (await readdir(theirs)).find((each) => /^[0-9A-F]{24}\.zst$/.test(each))!;
    for (const suffix of ['', '.sha256']) {
      await writeFile(path.join(folder(), name + suffix), await readFile(path.join(theirs, name + suffix)));
    }
    const { exitCode, json } = await wal(['wal', 'verify']);
    expect(exitCode).toBe(4);
    expect(json.result.archives[0].problems).toContainEqual({
      key: expect.stringContaining(name),
      what: expect.stringContaining(other.systemIdentifier),
    });
  });
});
