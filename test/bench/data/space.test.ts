import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withFilled } from '../../../src/bench/data/filled.ts';
import { dropSeeded, seedBench } from '../../../src/bench/data/seed.ts';
import { neededBytes, refuseTooLittle } from '../../../src/bench/data/space.ts';
import type { ConnectionSettings } from '../../../src/config/connection.ts';
import { temporaryRoot } from '../../../src/programs/own-directory.ts';
import { mountSmallDisk } from '../../../src/programs/small-disk.ts';
import { testContext } from '../../support/context.ts';
import { sql, useServer } from '../../support/postgres.ts';

const server = useServer();
const MIB = 1024 ** 2;

describe('the room that data needs', () => {
  it('grows with the projects, and counts the log up to what the server keeps of it', () => {
    expect(neededBytes([1_000_000], 0)).toBeGreaterThan(2.4e9);
    expect(neededBytes([1_000_000], 1024 * MIB)).toBe(neededBytes([1_000_000], 0) + 1024 * MIB);
    const disk = { freeBytes: 2 * 1024 * MIB, maxWalBytes: 1024 * MIB, directory: '/data' };
    expect(() => refuseTooLittle([100_000], disk)).not.toThrow();
    expect(() => refuseTooLittle([1_000_000], disk)).toThrow(
      '1,000,000 projects need about 3.6 GiB, and the disk of /data has 2.0 GiB free.',
    );
  });

  it('is that of all databases that are there at the same time', () => {
    expect(neededBytes([100_000, 400_000], 0)).toBe(neededBytes([100_000], 0) + neededBytes([400_000], 0));
    const disk = { freeBytes: 1024 * MIB, maxWalBytes: 0, directory: '/data' };
    expect(() => refuseTooLittle([300_000], disk)).not.toThrow();
    expect(() => refuseTooLittle([100_000, 300_000], disk)).toThrow(
      '100,000 and 300,000 projects need about 1.1 GiB at the same time, and the disk of /data has 1.0 GiB free.',
    );
  });

  /** More than any disk has. */
  const HUGE = 1e12;

  it.each([
    [{ later: [20, HUGE] }, '10 and 1,000,000,000,000 projects'],
    [{ later: [20, HUGE], keep: true }, '10, 20 and 1,000,000,000,000 projects'],
  ])('is asked for before the first of several sizes is made: %j', async (more, sizes) => {
    const context = testContext();
    const options = { connection: server.superuser, projects: 10, seed: 1, keep: false, setUp: [], ...more };
    const filling = withFilled({ ...options, runSetUp: async () => {} }, context, async () => {});
    await expect(filling).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringMatching(new RegExp(`^${sizes} need about .* at the same time`)),
    });
    expect(context.events.filter((event) => 'step' in event)).toEqual([]);
  });

  it('is asked for before a kept database is used, which needs none itself', async () => {
    const connection = server.superuser;
    const [kept] = await seedBench({ connection, projects: 10, seed: 2 }, testContext());
    const options = { connection, projects: 10, seed: 2, later: [HUGE], keep: false, setUp: [] };
    const using = withFilled({ ...options, runSetUp: async () => {} }, testContext(), async () => {});
    await expect(using).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringMatching(/^1,000,000,000,000 projects need about \S+ \S+, and the disk/),
    });
    await dropSeeded({ connection, database: kept!.database }, testContext());
  });
});

/** A tablespace on a disk of 128 MiB; only root can mount one. */
describe('a disk that is too small', () => {
  const folder = mkdtempSync(path.join(temporaryRoot(), 'structdb-space-'));
  const disk = path.join(folder, 'disk');
  const space = `small_${path.basename(folder).replaceAll(/\W/g, '_').toLowerCase()}`;
  let unmount: (() => Promise<void>) | undefined;
  let into: ConnectionSettings;

  beforeAll(async () => {
    unmount = await mountSmallDisk(disk, 128 * MIB);
    if (!unmount) return;
    execFileSync('chmod', ['755', folder]);
    await sql(server.superuser, async (client) => {
      const { rows } = await client.query<{ directory: string }>(
        `select current_setting('data_directory') as directory`,
      );
      const { uid, gid } = statSync(rows[0]!.directory);
      chownSync(disk, uid, gid);
      await client.query(`create tablespace ${space} location '${disk}'`);
    });
    into = await server.createDatabase();
    await sql(server.superuser, (client) => client.query(`alter database ${into.database} set tablespace ${space}`));
  });

  afterAll(async () => {
    if (unmount) {
      await sql(server.superuser, async (client) => {
        await client.query(`drop database ${into.database} with (force)`);
        await client.query(`drop tablespace ${space}`);
      });
      await unmount();
    }
    rmSync(folder, { recursive: true, force: true });
  });

  const fillWith = (projects: number, context: ReturnType<typeof testContext>) => {
    const options = { connection: into, into: into.database, projects, seed: 1, keep: false, setUp: [] };
    return withFilled({ ...options, runSetUp: async () => {} }, context, async () => {});
  };

  it('is refused before anything is written, with what is needed and what is free', async () => {
    if (!unmount) return;
    const context = testContext();
    await expect(fillWith(100_000, context)).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringMatching(/^100,000 projects need about .*MiB, and the disk of .*disk has .*MiB free\.$/),
    });
    expect(context.events.filter((event) => 'step' in event)).toEqual([]);
  });

  it('that somebody fills during the load leaves nothing behind', async () => {
    if (!unmount) return;
    const context = testContext();
    const report = (event: Parameters<typeof context.report>[0]) => {
      if (event.kind !== 'step' || event.step !== 'bench.load') return;
      const { bavail, bsize } = statfsSync(disk);
      writeFileSync(path.join(disk, 'filler'), Buffer.alloc(bavail * bsize - 2 * MIB));
    };
    await expect(fillWith(3000, { ...context, report })).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining('disk is full'),
    });
    rmSync(path.join(disk, 'filler'), { force: true });
    const left = await sql(into, (client) =>
      client.query(
        `select relname from pg_class where relnamespace = 'public'::regnamespace and relname !~ '^pg_stat'`,
      ),
    );
    expect(left.rows).toEqual([]);
  });
});
