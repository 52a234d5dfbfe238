import { describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import type { NamedConnection } from '../../src/config/url-file.ts';
import {
  type DatabaseState,
  judgeStatusMany,
  judgeUpMany,
  statusMany,
  type UpManyOptions,
  upMany,
} from '../../src/migrate/index.ts';
import { testContext } from '../support/context.ts';
import { MIGRATION_LOCK_KEY, withHeldLocks } from '../support/held-locks.ts';
import { statements } from '../support/migrations.ts';
import { sql, useServer } from '../support/postgres.ts';

const server = useServer();

const registry = {
  '001_sites': statements('create table public.sites ()'),
  '002_rooms': statements('create table public.rooms ()'),
  '003_gate': statements('select pg_advisory_xact_lock(4711)'),
};

async function databases(count: number): Promise<ConnectionSettings[]> {
  const made: ConnectionSettings[] = [];
  for (let index = 0; index < count; index += 1) made.push(await server.createDatabase());
  return made;
}

const named = (connections: readonly ConnectionSettings[]): NamedConnection[] =>
  connections.map((connection, index) => ({ name: `t${index}`, connection }));

const run = (connections: readonly ConnectionSettings[], options: Partial<UpManyOptions> = {}) =>
  upMany({ databases: named(connections), registry, ...options }, testContext());

const statesOf = ({ databases }: { readonly databases: readonly { readonly state: DatabaseState }[] }) =>
  databases.map(({ state }) => state);

/** 002 cannot make its table there. */
async function withObstacle(connection: ConnectionSettings): Promise<ConnectionSettings> {
  await sql(connection, (client) => client.query('create table public.rooms ()'));
  return connection;
}

describe('upMany', () => {
  it('migrates each database by itself, and tells what each has now', async () => {
    const [fresh, begun, done] = (await databases(3)) as [ConnectionSettings, ConnectionSettings, ConnectionSettings];
    await run([begun], { count: 1 });
    await run([done]);
    const context = testContext();
    const result = await upMany({ databases: named([fresh, begun, done]), registry, count: 2 }, context);
    expect(judgeUpMany(result)).toBeUndefined();
    expect(result.databases).toEqual(
      [
        { state: 'migrated', steps: ['001_sites', '002_rooms'], current: '002_rooms', pending: ['003_gate'] },
        { state: 'migrated', steps: ['002_rooms', '003_gate'], current: '003_gate', pending: [] },
        { state: 'up to date', steps: [], current: '003_gate', pending: [] },
      ].map(({ steps, ...told }, index) => ({
        name: `t${index}`,
        database: [fresh, begun, done][index]!.database,
        host: fresh.host,
        port: fresh.port,
        error: null,
        durationMs: expect.any(Number),
        steps: steps.map((name) => ({ name, direction: 'up' })),
        ...told,
      })),
    );
    expect(context.events.filter(({ kind }) => kind !== 'step')).toHaveLength(3);
    expect(context.events).toContainEqual(
      expect.objectContaining({ kind: 'done', message: 't1: applied 2 migrations, at 003_gate' }),
    );
  });

  it('goes on after failures with keepGoing, and begins none without', async () => {
    const [a, b, c, d] = (await databases(4)) as [
      ConnectionSettings,
      ConnectionSettings,
      ConnectionSettings,
      ConnectionSettings,
    ];
    const list = [await withObstacle(a), { ...b, password: 'not-the-password' }, c, d];
    await withHeldLocks([c], MIGRATION_LOCK_KEY, async () => {
      const stopped = await run(list, { jobs: 1 });
      expect(statesOf(stopped)).toEqual(['failed', 'not begun', 'not begun', 'not begun']);
      expect(stopped.databases[3]).toMatchObject({ pending: null, error: null, durationMs: 0 });
      expect(judgeUpMany(stopped)).toMatchObject({
        code: 'MIGRATION_FAILED',
        message: '1 of 4 databases failed: t0. 3 not begun.',
      });

      const context = testContext();
      const result = await upMany(
        { databases: named(list), registry, jobs: 1, keepGoing: true, lockWaitMs: 0 },
        context,
      );
      expect(result.databases).toMatchObject([
        // What was done before the failure is told too: by the run before this one, nothing is left to do of 001.
        { state: 'failed', steps: [], current: '001_sites', error: { code: 'MIGRATION_FAILED' } },
        { state: 'failed', steps: [], current: null, pending: null, error: { code: 'AUTHENTICATION_FAILED' } },
        { state: 'locked', steps: [], error: { code: 'LOCKED', hint: expect.stringContaining('--lock-wait') } },
        { state: 'migrated', current: '003_gate', error: null },
      ]);
      expect(stopped.databases[0]).toMatchObject({
        steps: [{ name: '001_sites' }],
        current: '001_sites',
        pending: ['002_rooms', '003_gate'],
        error: { message: expect.stringContaining('Migration 002_rooms (up) failed at statement 1 of 1') },
      });
      expect(judgeUpMany(result)).toMatchObject({ code: 'DATABASES_FAILED', exitCode: 1 });
      expect(context.events).toContainEqual({
        kind: 'warning',
        message: expect.stringMatching(/^t0: Migration 002_rooms \(up\) failed/),
      });
      expect(JSON.stringify([result, context.events])).not.toContain('not-the-password');
    });
  });

  it('has the one code of all failures, and no other', async () => {
    const [a, b] = (await databases(2)) as [ConnectionSettings, ConnectionSettings];
    await withHeldLocks([a, b], MIGRATION_LOCK_KEY, async () => {
      const locked = await run([a, b], { lockWaitMs: 0 });
      expect(judgeUpMany(locked)).toMatchObject({ code: 'LOCKED', exitCode: 5 });
    });
    const wrong = await run(
      Array.from({ length: 10 }, (_, index) => (index % 2 ? a : b)).map((connection) => ({
        ...connection,
        password: 'wrong',
      })),
      { keepGoing: true },
    );
    expect(judgeUpMany(wrong)).toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      exitCode: 1,
      message: '10 of 10 databases failed: t0, t1, t2, t3, t4, t5, t6, t7, and 2 more.',
    });
  });

  it('tells what a migration throws that is no answer of the database', async () => {
    const [a] = await databases(1);
    const result = await run([a!], { registry: { '001_defect': { up: async () => void undefinedFunction() } } });
    expect(result.databases).toMatchObject([
      { state: 'failed', error: { code: 'INTERNAL', message: expect.stringContaining('no such thing') } },
    ]);
  });

  it('works on so many databases at once as is said, and never on more', async () => {
    const list = await databases(5);
    await withHeldLocks(list, '4711', async (locks) => {
      const ended = run(list, { jobs: 2, lockTimeoutMs: 0 });
      for (let left = list.length; left > 0; left -= 1) {
        const waiting = await locks.untilWaiting(Math.min(2, left));
        expect(waiting).toHaveLength(Math.min(2, left));
        await locks.release(waiting[0]!);
        while ((await locks.waiting()).includes(waiting[0]!));
      }
      expect(statesOf(await ended)).toEqual(list.map(() => 'migrated'));
    });
  });

  it('after a failure lets those under way finish', async () => {
    const [slow, failing, never] = (await databases(3)) as [ConnectionSettings, ConnectionSettings, ConnectionSettings];
    await withHeldLocks([slow], '4711', async (locks) => {
      const context = testContext();
      const failed = new Promise<void>((resolve) => {
        const { report } = context;
        Object.assign(context, {
          report: (event: Parameters<typeof report>[0]) => {
            report(event);
            if (event.kind === 'warning') resolve();
          },
        });
      });
      const list = [slow, { ...failing, password: 'wrong' }, never];
      const ended = upMany({ databases: named(list), registry, jobs: 2, lockTimeoutMs: 0 }, context);
      await Promise.all([locks.untilWaiting(1), failed]);
      await locks.release(0);
      expect(statesOf(await ended)).toEqual(['migrated', 'failed', 'not begun']);
    });
  });

  it('stops those under way at their next safe point when it is interrupted', async () => {
    const list = await databases(3);
    await withHeldLocks(list, '4711', async (locks) => {
      const context = testContext();
      const ended = upMany({ databases: named(list), registry, jobs: 2, lockTimeoutMs: 0 }, context);
      await locks.untilWaiting(2);
      context.interrupt();
      const result = await ended;
      expect(result.databases).toMatchObject([
        { state: 'interrupted', current: '002_rooms', pending: ['003_gate'], error: { code: 'INTERRUPTED' } },
        { state: 'interrupted', steps: [{ name: '001_sites' }, { name: '002_rooms' }] },
        { state: 'not begun', error: null },
      ]);
      expect(judgeUpMany(result)).toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
    });
    expect(statesOf(await run(list))).toEqual(['migrated', 'migrated', 'migrated']);
  });

  it('waits for each server that is still starting', async () => {
    const nowhere = { ...server.superuser, port: 1 };
    const context = testContext();
    const { databases: outcomes } = await upMany({ databases: named([nowhere]), registry, waitMs: 100 }, context);
    expect(outcomes).toMatchObject([{ state: 'failed', error: { code: 'CONNECTION_FAILED' } }]);
    expect(context.events[0]).toEqual({
      kind: 'notice',
      message: 't0: Waiting for the server at 127.0.0.1:1: nothing listens there',
    });
  });
});

describe('statusMany', () => {
  it('asks no further database once it is interrupted', async () => {
    const list = await databases(2);
    const context = testContext();
    context.interrupt();
    const result = await statusMany({ databases: named(list), registry }, context);
    expect(result.databases.map(({ state, pending }) => [state, pending])).toEqual([
      ['not asked', null],
      ['not asked', null],
    ]);
    expect(judgeStatusMany(result, { check: true })).toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
  });
});

function undefinedFunction(): never {
  throw new TypeError('no such thing');
}
