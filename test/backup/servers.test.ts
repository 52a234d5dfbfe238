import { describe, expect, it } from '@jest/globals';
import { runBackup } from '../../src/backup/index.ts';
import { withReplication } from '../../src/postgres/base-backup.ts';
import { findServerPrograms, stopServer, withScratchCluster } from '../../src/postgres/cluster.ts';
import { keysOf } from '../storage/store-contract.ts';
import { testContext } from '../support/context.ts';
import { embeddedPrograms } from '../support/embedded.ts';
import { testEnvironment, testPlaces } from '../support/environment.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { slowPut } from './cluster-support.ts';
import { fill, runOptions, withBlockedDump } from './support.ts';

const scratch = await scratchDirectory();

describe('A backup', () => {
  it('of a server newer than the tools names the version to install', async () => {
    const { programs } = await embeddedPrograms(18);
    const options = { programs, environment: testEnvironment() };
    await withScratchCluster(options, testContext(), async ({ connection }) => {
      // Only the tools of 15, whatever else this machine has.
      const places = { directories: [], environment: testEnvironment({ PATH: '/usr/lib/postgresql/15/bin' }) };
      const run = runBackup({ ...(await runOptions(connection, scratch)), places }, testContext());
      await expect(run).rejects.toMatchObject({
        code: 'PROGRAM_TOO_OLD',
        message: expect.stringMatching(/pg_dump 18 or newer is needed; installed: 15\./),
        hint: expect.stringContaining('postgresql-18'),
      });
    });
  });

  it('whose server stops in the middle says that the server went away, and leaves nothing', async () => {
    const programs = await findServerPrograms(testPlaces());
    const cluster = { programs, environment: testEnvironment() };
    await withScratchCluster(cluster, testContext(), async ({ connection, dataDirectory, user }) => {
      await fill(connection);
      const options = await runOptions(connection, scratch);
      await withBlockedDump(connection, async (reached) => {
        const run = runBackup(options, testContext());
        run.catch(() => {});
        await reached();
        await stopServer({ programs, dataDirectory, user, mode: 'immediate' });
        await expect(run).rejects.toMatchObject({ code: 'CONNECTION_LOST', exitCode: 1 });
      });
      expect((await keysOf(options.store, '')).filter((key) => key.includes('/backups/'))).toEqual([]);
    });
  });

  it('of a cluster names the setting that stands in the way, and stores nothing', async () => {
    const programs = await findServerPrograms(testPlaces());
    const cluster = { programs, environment: testEnvironment() };
    await withScratchCluster(cluster, testContext(), async ({ connection }) => {
      const options = await runOptions(connection, scratch);
      await expect(runBackup({ ...options, kind: 'base' }, testContext())).rejects.toMatchObject({
        code: 'SERVER_UNSUITABLE',
        message: expect.stringContaining('wal_level is minimal'),
        hint: expect.stringContaining("ALTER SYSTEM SET wal_level = 'replica'"),
      });
      expect(await keysOf(options.store, '')).toEqual([]);
    });
  });

  it('of a cluster whose WAL senders are all taken says so; one whose server dies leaves nothing', async () => {
    const programs = await findServerPrograms(testPlaces());
    const settings = { wal_level: 'replica', max_wal_senders: '1' };
    const cluster = { programs, environment: testEnvironment(), settings };
    await withScratchCluster(cluster, testContext(), async ({ connection, dataDirectory, user }) => {
      const options = { ...(await runOptions(connection, scratch)), kind: 'base' as const };
      await withReplication(connection, testContext(), async () => {
        await expect(runBackup(options, testContext())).rejects.toMatchObject({
          code: 'CONNECTION_FAILED',
          hint: expect.stringContaining('max_wal_senders'),
        });
      });
      const { store } = options;
      const dying = slowPut(store, () => stopServer({ programs, dataDirectory, user, mode: 'immediate' }));
      const run = runBackup({ ...options, store: dying }, testContext());
      await expect(run).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
      expect((await keysOf(store, '')).filter((key) => key.includes('/backups/'))).toEqual([]);
    });
  });
});
