import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { decompress } from '../../src/repository/wal-frames.ts';
import { runToDeath } from '../support/kill-points.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { newArchive, newCluster, type TestArchive, type TestCluster } from '../wal/support.ts';

const script = path.join(path.dirname(fileURLToPath(import.meta.url)), '../wal/die.ts');
const NEVER = '^$';
let cluster: TestCluster;
let segment: string;
let plain: Buffer;

beforeAll(async () => {
  cluster = await newCluster();
  await cluster.query('create table load as select g from generate_series(1, 1000) g');
  const [{ name } = {}] = await cluster.query('select pg_walfile_name(pg_switch_wal()) as name');
  segment = path.join(cluster.dataDirectory, 'pg_wal', name!);
  plain = await readFile(segment);
});

const settingsOf = (own: TestArchive) => path.join(own.folder, 'archive', 'archive.json');
const exactly = (point: string) => `^${point.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;

describe('wal push, killed at every point', () => {
  it('leaves the segment whole or not at all, and the next push is right', async () => {
    const archive = await newArchive(cluster);
    const whole = await runToDeath(script, [NEVER, 'push', segment, settingsOf(archive)]);
    expect(whole).toMatchObject({ exitCode: 0, stderr: '' });
    expect(whole.points.length).toBeGreaterThanOrEqual(4);
    for (const point of new Set(whole.points)) {
      const own = await newArchive(cluster);
      expect((await runToDeath(script, [exactly(point), 'push', segment, settingsOf(own)])).killed).toBe(true);
      const stored = await readFile(own.stored(path.basename(segment))).catch(() => undefined);
      if (stored) expect(decompress(stored).equals(plain)).toBe(true);
      expect((await own.run(['push', segment])).exitCode).toBe(0);
      expect(decompress(await readFile(own.stored(path.basename(segment)))).equals(plain)).toBe(true);
    }
  });
});

describe('wal receive, killed just before an upload of the open segment', () => {
  it('and started again, uploads it', async () => {
    const archive = await newArchive(cluster);
    const spool = path.join(await scratchDirectory(), 'spool');
    const words = ['receive', JSON.stringify(cluster.connection), settingsOf(archive), spool];
    for (const when of ['before', 'after']) {
      const writing = setInterval(() => {
        void cluster.query(`select pg_logical_emit_message(true, '', repeat('x', 1000))`).catch(() => {});
      }, 100);
      const died = await runToDeath(script, [`${when} putIfAbsent [0-9A-F]{24}\\.[0-9A-F]+-`, ...words]);
      clearInterval(writing);
      expect({ killed: died.killed, stderr: died.stderr }).toEqual({ killed: true, stderr: '' });
    }
  });
});
