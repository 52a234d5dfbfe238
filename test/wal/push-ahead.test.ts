import { copyFile, cp, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { pushedDirectory } from '../../src/repository/archive-settings.ts';
import { decompress } from '../../src/repository/wal-frames.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { type Ended, newArchive, newCluster, run, type TestArchive, type TestCluster, until } from './support.ts';

let cluster: TestCluster;
/** pg_wal of a stopped server that never archived anything: each segment waits. */
let walDirectory: string;
let segments: string[];

beforeAll(async () => {
  cluster = await newCluster({ archive_mode: 'on', archive_command: 'false' });
  await cluster.query('create table load (filler text)');
  for (let n = 0; n < 6; n += 1) {
    await cluster.query(`insert into load select repeat(md5((g + ${n})::text), 20) from generate_series(1, 1500) g`);
    await cluster.query('select pg_switch_wal()');
  }
  await cluster.stop('immediate');
  walDirectory = path.join(cluster.dataDirectory, 'pg_wal');
  segments = (await readdir(path.join(walDirectory, 'archive_status')))
    .filter((name) => name.endsWith('.ready'))
    .map((name) => name.slice(0, 24))
    .sort();
  expect(segments.length).toBeGreaterThan(5);
});

/** A pg_wal of its own in which these segments wait. */
async function newBacklog(names: readonly string[] = segments): Promise<string> {
  const folder = path.join(await scratchDirectory(), 'pg_wal');
  await mkdir(path.join(folder, 'archive_status'), { recursive: true });
  for (const name of names) {
    await copyFile(path.join(walDirectory, name), path.join(folder, name));
    await writeFile(path.join(folder, 'archive_status', `${name}.ready`), '');
  }
  return folder;
}

/** What PostgreSQL does for one segment, `.done` included. */
async function archiveOne(archive: TestArchive, folder: string, name: string): Promise<Ended> {
  const command = archive.archiveCommand.replace('%p', `pg_wal/${name}`).replace('%f', name);
  const ended = await run('/bin/sh', ['-c', command], path.dirname(folder));
  if (ended.exitCode === 0) await rm(path.join(folder, 'archive_status', `${name}.ready`));
  return ended;
}

const stateOf = (archive: TestArchive) => readdir(pushedDirectory(archive.settings)).catch((): string[] => []);
const namesOf = async (archive: TestArchive) =>
  (await stateOf(archive)).filter((name) => /^[0-9A-F]{24}$/.test(name)).sort();

describe('a backlog', () => {
  it('is pushed ahead of the archiver, whose calls are then answered without Node', async () => {
    const archive = await newArchive(cluster);
    const folder = await newBacklog();
    expect(await archiveOne(archive, folder, segments[0]!)).toMatchObject({ exitCode: 0, stderr: '' });
    await until('the others are pushed', async () => (await namesOf(archive)).length === segments.length - 1);
    for (const name of segments.slice(1)) {
      expect(decompress(await readFile(archive.stored(name))).equals(await readFile(path.join(folder, name)))).toBe(
        true,
      );
    }
    // Without the program only the shell can answer.
    await rm(path.join(archive.folder, 'archive', 'wal.mjs'));
    for (const name of segments.slice(1)) {
      expect(await archiveOne(archive, folder, name)).toMatchObject({ exitCode: 0, stderr: '' });
    }
    await until('nothing is left', async () => (await stateOf(archive)).length === 0);
  });

  it.each([
    ['written to', (file: string, bytes: Buffer) => writeFile(file, bytes)],
    [
      'replaced by another file that looks as old',
      async (file: string, bytes: Buffer) => {
        const { atime, mtime } = await stat(file);
        await rm(file);
        await writeFile(file, bytes);
        await utimes(file, atime, mtime);
      },
    ],
  ])('of which a segment was %s after it was pushed: what is remembered lies, and that is seen', async (_, alter) => {
    const archive = await newArchive(cluster);
    const folder = await newBacklog();
    await archiveOne(archive, folder, segments[0]!);
    await until('the next is pushed', async () => (await namesOf(archive)).includes(segments[1]!));
    const file = path.join(folder, segments[1]!);
    const bytes = await readFile(file);
    bytes[70_000]! ^= 1;
    await alter(file, bytes);
    expect(await archiveOne(archive, folder, segments[1]!)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('another content'),
    });
  });

  it('is answered by the marker where the second name is gone, and from the store where both are', async () => {
    const archive = await newArchive(cluster);
    const folder = await newBacklog();
    await archiveOne(archive, folder, segments[0]!);
    await until('the others are pushed', async () => (await namesOf(archive)).length === segments.length - 1);
    const pushed = pushedDirectory(archive.settings);
    await rm(path.join(pushed, segments[1]!));
    // The marker alone answers: the store is not asked.
    await rm(archive.stored(segments[1]!));
    expect((await archiveOne(archive, folder, segments[1]!)).exitCode).toBe(0);
    for (const file of [segments[2]!, `${segments[2]}.json`]) await rm(path.join(pushed, file));
    const before = (await stat(archive.stored(segments[2]!))).mtimeMs;
    expect((await archiveOne(archive, folder, segments[2]!)).exitCode).toBe(0);
    expect((await stat(archive.stored(segments[2]!))).mtimeMs).toBe(before);
  });

  it('that is archived in another way meanwhile leaves nothing in the way', async () => {
    const archive = await newArchive(cluster);
    const folder = await newBacklog();
    await archiveOne(archive, folder, segments[0]!);
    await until('the next is pushed', async () => (await namesOf(archive)).includes(segments[1]!));
    for (const name of segments.slice(1)) await rm(path.join(folder, 'archive_status', `${name}.ready`));
    await until('nothing is left', async () => (await stateOf(archive)).length === 0);
  });

  it('for another store remembers nothing of the first', async () => {
    const archive = await newArchive(cluster);
    const folder = await newBacklog();
    await archiveOne(archive, folder, segments[0]!);
    await until('the next is pushed', async () => (await namesOf(archive)).includes(segments[1]!));
    const second = await newArchive(cluster);
    // What is just being written is gone a moment later.
    const filter = (source: string) => !source.endsWith('.making');
    await cp(path.join(archive.folder, 'archive', 'state'), path.join(second.folder, 'archive', 'state'), {
      ...{ recursive: true, filter },
    });
    expect((await archiveOne(second, folder, segments[1]!)).exitCode).toBe(0);
    expect(decompress(await readFile(second.stored(segments[1]!)))).toHaveLength(1024 * 1024);
  });
});
