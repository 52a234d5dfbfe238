import { describe, expect, it } from '@jest/globals';
import type { Kysely } from 'kysely';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { systemClock } from '../../src/core/clock.ts';
import { kyselyOver } from '../../src/migrate/dialect.ts';
import { down, previewRedo, redo, status, up } from '../../src/migrate/index.ts';
import { MigrationAdapter } from '../../src/migrate/lock.ts';
import type { Registry } from '../../src/migrate/registry.ts';
import { StructdbMigrator } from '../../src/migrate/run/migrator.ts';
import { connect } from '../../src/postgres/connect.ts';
import { profiles } from '../../src/postgres/profiles.ts';
import { testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { runKilledAfter, structureOf } from '../support/kill.ts';
import { statements } from '../support/migrations.ts';
import { sql, until, useServer } from '../support/postgres.ts';

const server = useServer();
const query = async (connection: ConnectionSettings, text: string) =>
  (await sql(connection, (client) => client.query(text))).rows;

const table = (name: string) => statements(`create table ${name} (id int)`, { down: `drop table ${name}` });
const registry: Registry = {
  '001_a': table('a'),
  '002_b': table('b'),
  '003_c': table('c'),
  '004_d': table('d'),
};
const indexes: Registry = {
  '001_table': statements(['create table busy (id int)', 'create table other (id int)'], {
    down: ['drop table other', 'drop table busy'],
  }),
  '002_index': statements(
    [
      'create index concurrently if not exists busy_id on busy (id)',
      'create index concurrently if not exists other_id on other (id)',
    ],
    {
      down: ['drop index concurrently if exists other_id', 'drop index concurrently if exists busy_id'],
      transaction: false,
      lockTimeout: '0',
    },
  ),
};

/** A database at the given migration of the registry, and its oids: what is made anew has another. */
async function databaseAt(count: number, migrations = registry): Promise<ConnectionSettings> {
  const connection = await server.createOwnedDatabase();
  await up({ connection, registry: migrations, count }, testContext());
  return connection;
}

async function oids(connection: ConnectionSettings): Promise<Record<string, string>> {
  const rows = await query(
    connection,
    `select relname as name, oid::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'`,
  );
  return Object.fromEntries(rows.map(({ name, oid }) => [name, oid]));
}

describe('migrate redo', () => {
  it('takes back the last n and applies the same again, leaving the others and the pending ones alone', async () => {
    const connection = await databaseAt(3);
    const before = await oids(connection);
    const context = testContext();
    expect(await redo({ connection, registry, count: 2 }, context)).toEqual({
      database: connection.database,
      steps: [
        { name: '003_c', direction: 'down' },
        { name: '002_b', direction: 'down' },
        { name: '002_b', direction: 'up' },
        { name: '003_c', direction: 'up' },
      ],
      current: '003_c',
      pending: ['004_d'],
    });
    const after = await oids(connection);
    expect(Object.keys(after).sort()).toEqual(['a', 'b', 'c']);
    expect([after.a === before.a, after.b === before.b, after.c === before.c]).toEqual([true, false, false]);
    expect(context.events.flatMap((event) => (event.kind === 'done' ? [event.message] : []))).toEqual([
      'Took back 003_c',
      'Took back 002_b',
      'Applied 002_b',
      'Applied 003_c',
    ]);
    expect((await redo({ connection, registry }, testContext())).steps.map(({ name }) => name)).toEqual([
      '003_c',
      '003_c',
    ]);
    expect((await redo({ connection, registry, count: 99 }, testContext())).steps).toHaveLength(6);
  });

  it('applies the migration as it is now, and records that', async () => {
    const connection = await databaseAt(2);
    const edited: Registry = {
      ...registry,
      '002_b': statements('create table b (id int, name text)', { down: 'drop table b' }),
    };
    const stateOf = async () => (await status({ connection, registry: edited }, testContext())).migrations[1]?.state;
    expect(await stateOf()).toBe('edited');
    await redo({ connection, registry: edited }, testContext());
    expect(await stateOf()).toBe('applied');
    expect(await query(connection, 'select name from b')).toEqual([]);
  });

  it('with nothing applied does nothing', async () => {
    const connection = await server.createOwnedDatabase();
    const options = { connection, registry };
    expect(await redo(options, testContext())).toMatchObject({ steps: [], current: null });
    expect(await previewRedo(options, testContext())).toEqual({ names: [], losses: [] });
    expect(await query(connection, `select from pg_class where relname = 'a'`)).toEqual([]);
  });

  it('refuses before anything what has no down, is irreversible, or cannot be compiled', async () => {
    const connection = await databaseAt(3);
    const before = await oids(connection);
    const swapped = (name: string, migration: Registry[string]): Registry => ({ ...registry, [name]: migration });
    for (const [migrations, message] of [
      [swapped('002_b', statements('create table b ()')), 'Migration 002_b has no down: nothing was taken back.'],
      [
        swapped('002_b', statements('create table b ()', { down: 'drop table b', irreversible: 'codes are gone' })),
        'Migration 002_b is marked irreversible (codes are gone): nothing was taken back.',
      ],
    ] as const) {
      for (const run of [redo, previewRedo]) {
        const error = await failureOf(run({ connection, registry: migrations, count: 2 }, testContext()));
        expect(error).toMatchObject({ code: 'MIGRATION_IRREVERSIBLE', exitCode: 1, message });
        expect(error.hint).toContain('structdb migrate create');
      }
      await redo({ connection, registry: migrations, count: 1 }, testContext());
    }
    const throws = { ...registry['002_b']!, up: () => Promise.reject(new Error('boom')) };
    const run = redo({ connection, registry: swapped('002_b', throws), count: 2 }, testContext());
    await expect(run).rejects.toThrow('boom');
    const after = await oids(connection);
    expect([after.a, after.b]).toEqual([before.a, before.b]);
    expect((await status({ connection, registry }, testContext())).current).toBe('003_c');
  });

  it('tells what a redo would lose', async () => {
    const connection = await databaseAt(3);
    await query(connection, 'insert into c values (1), (2)');
    const qualified: Registry = {
      ...registry,
      '003_c': statements('create table public.c (id int)', { down: 'drop table public.c' }),
    };
    expect(await previewRedo({ connection, registry: qualified }, testContext())).toEqual({
      names: ['003_c'],
      losses: [{ kind: 'table', migration: '003_c', table: 'c', rows: 2 }],
    });
  });
});

describe('a redo that fails', () => {
  it('in the way up: says where the database is, what is pending, and how to go on', async () => {
    const connection = await databaseAt(3);
    const broken: Registry = {
      ...registry,
      '003_c': statements('create table c (id numric)', { down: 'drop table c' }),
    };
    const error = await failureOf(redo({ connection, registry: broken, count: 2 }, testContext()));
    expect(error).toMatchObject({
      code: 'MIGRATION_FAILED',
      exitCode: 1,
      hint: expect.stringMatching(/migrate up 1$/),
    });
    expect(error.message).toBe(
      'Migration 003_c (up) failed at statement 1 of 1: type "numric" does not exist (SQLSTATE 42704). Nothing of it was kept. 003_c was taken back and not applied again: the database is now at 002_b, with 003_c, 004_d pending.',
    );
    const fixed = await up({ connection, registry, count: 1 }, testContext());
    expect(fixed).toMatchObject({ steps: [{ name: '003_c', direction: 'up' }], current: '003_c', pending: ['004_d'] });
  });

  it('at the COMMIT of the way up, and by what the migration itself throws: names the migration', async () => {
    const connection = await databaseAt(1);
    const late: Registry = {
      '001_a': statements(
        [
          'create table a (id int primary key, other int references a deferrable initially deferred)',
          'insert into a values (1, 2)',
        ],
        { down: 'drop table a' },
      ),
    };
    const error = await failureOf(redo({ connection, registry: late }, testContext()));
    expect(error.code).toBe('MIGRATION_FAILED');
    expect(error.message).toMatch(
      /^Migration 001_a \(up\) failed at its COMMIT: insert or update .* \(SQLSTATE 23503\)\. Nothing of it was kept\. 001_a was taken back and not applied again: no migration is applied now, with 001_a pending\.$/,
    );
    await up({ connection, registry, count: 1 }, testContext());
    // Without a database, as when it is compiled, it finds no books and does not throw.
    const throws = async (db: Kysely<unknown>) => {
      if ((await db.introspection.getTables()).some(({ name }) => name === 'kysely_migration')) throw new Error('boom');
    };
    const odd: Registry = { '001_a': { ...registry['001_a']!, up: throws } };
    const thrown = await failureOf(redo({ connection, registry: odd }, testContext()));
    expect(thrown).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringMatching(
        /^Migration 001_a \(up\) failed: boom\. Nothing of it was kept\. 001_a was taken back/,
      ),
    });
  });

  it('in the first way back: has changed nothing; in a later one: says how to finish', async () => {
    const connection = await databaseAt(2);
    await query(connection, 'create view on_b as select id from b');
    const first = await failureOf(redo({ connection, registry }, testContext()));
    expect(first.message).toMatch(/^Migration 002_b \(down\) failed at statement 1 of 1: .* Nothing of it was kept\.$/);
    await query(connection, 'drop view on_b; create view on_a as select id from a');
    const later = await failureOf(redo({ connection, registry, count: 2 }, testContext()));
    expect(later.message).toMatch(
      /^Migration 001_a \(down\) failed .* 002_b was taken back and not applied again: the database is now at 001_a, with 002_b, 003_c, 004_d pending\.$/,
    );
    expect(later.hint).toMatch(/structdb migrate down 1, and then: structdb migrate up 2$/);
    await query(connection, 'drop view on_a');
    await down({ connection, registry }, testContext());
    expect((await up({ connection, registry, count: 2 }, testContext())).current).toBe('002_b');
  });

  it('names redo in the hint when nothing was taken back', async () => {
    const connection = await databaseAt(1);
    const odd: Registry = {
      '001_a': { ...registry['001_a']!, ...statements('select 1', { down: 'drop table nobody' }) },
    };
    const error = await failureOf(redo({ connection, registry: odd }, testContext()));
    expect(error.hint).toBe('Correct the cause, then run: structdb migrate redo');
  });

  it('because its connection was lost: says what the database says, and does not advise to run it again', async () => {
    const connection = await databaseAt(2);
    const slow: Registry = {
      ...registry,
      '002_b': statements([`select 'redo', pg_sleep(60)`], { down: 'drop table b' }),
    };
    const run = failureOf(redo({ connection, registry: slow }, testContext()));
    const asleep = `from pg_stat_activity where query like 'select ''redo'', pg_sleep%' and datname = current_database()`;
    await until(connection, `select ${asleep}`);
    await query(connection, `select pg_terminate_backend(pid) ${asleep}`);
    const error = await run;
    expect(error.code).toBe('CONNECTION_LOST');
    expect(error.message).toMatch(/during migrate redo: .* The database says: 002_b is not applied\.$/);
    expect(error.hint).toMatch(/structdb migrate up 1$/);
  });

  it.each(['between down and up', 'in the way up'])('by Ctrl-C %s: says so, and up goes on', async (moment) => {
    const connection = await databaseAt(2);
    const slow: Registry = {
      ...registry,
      '002_b': statements(['create table b (id int)', `select 'redo', pg_sleep(60)`], { down: 'drop table b' }),
    };
    const context = testContext();
    const interrupting = {
      ...context,
      report: (event: Parameters<typeof context.report>[0]) => {
        if (moment === 'between down and up' && event.kind === 'done') context.interrupt();
      },
    };
    const run = failureOf(redo({ connection, registry: slow }, interrupting));
    if (moment === 'in the way up') {
      await until(
        connection,
        `select from pg_stat_activity where query like 'select ''redo'', pg_sleep%' and datname = current_database()`,
      );
      context.interrupt();
    }
    expect(await run).toMatchObject({
      code: 'INTERRUPTED',
      exitCode: 130,
      message:
        'Interrupted. 002_b was taken back and not applied again: the database is now at 001_a, with 002_b, 003_c, 004_d pending.',
      hint: 'To apply again: structdb migrate up 1',
    });
    expect((await up({ connection, registry, count: 1 }, testContext())).current).toBe('002_b');
  });
});

describe('the lock of a redo', () => {
  it('is taken once and given back once, after everything: nobody can come in between', async () => {
    const connection = await databaseAt(2);
    const client = await connect(connection, profiles.migrate);
    const context = testContext();
    const adapter = new MigrationAdapter({ waitMs: 0, clock: systemClock, signal: context.signal, onWait: () => {} });
    const seen: string[] = [];
    const db = kyselyOver(client, adapter, ({ query: { sql: text } }) => {
      const what = /pg_try_advisory_lock|pg_advisory_unlock|^(create|drop) table \w$|^(create|drop) table \w /.exec(
        text,
      );
      if (what) seen.push(what[0].trim());
    });
    const { error } = await new StructdbMigrator({ db, registry, context }).migrateRedoBy(2);
    await db.destroy();
    expect(error).toBeUndefined();
    expect(seen).toEqual([
      'pg_try_advisory_lock',
      'drop table b',
      'drop table a',
      'create table a',
      'create table b',
      'pg_advisory_unlock',
    ]);
  });

  it('is waited for by others until the redo is over', async () => {
    const connection = await databaseAt(2);
    const others = testContext();
    let other: ReturnType<typeof up> | undefined;
    const context = testContext();
    const report = (event: Parameters<typeof context.report>[0]) => {
      if (event.kind === 'done') other ??= up({ connection, registry }, others);
    };
    const done = await redo({ connection, registry, count: 2 }, { ...context, report });
    expect(done.steps).toHaveLength(4);
    expect((await other!).steps).toEqual([
      { name: '003_c', direction: 'up' },
      { name: '004_d', direction: 'up' },
    ]);
  });
});

describe('redo with concurrent index builds', () => {
  it('killed after each of its statements: up, or the redo again, makes it whole', async () => {
    const connection = await databaseAt(2, indexes);
    const whole = await structureOf(connection);
    let statement = 1;
    for (; await runKilledAfter(connection, 'redo', statement, indexes); statement += 1) {
      const options = { connection, registry: indexes };
      const { steps } = await up(options, testContext());
      if (steps.length === 0) await redo(options, testContext());
      expect({ statement, structure: await structureOf(connection) }).toEqual({ statement, structure: whole });
    }
    expect(statement).toBeGreaterThan(10);
  });

  it('warns once of an invalid index that stays, and not of one that the way back takes along', async () => {
    const connection = await databaseAt(2, indexes);
    await query(connection, 'insert into busy values (1), (1); insert into other values (1), (1)');
    await query(connection, 'create unique index concurrently theirs on busy (id)').catch(() => {});
    await query(connection, 'drop index other_id');
    await query(connection, 'create unique index concurrently other_id on other (id)').catch(() => {});
    const context = testContext();
    await redo({ connection, registry: indexes }, context);
    expect(context.events.flatMap((event) => (event.kind === 'warning' ? [event.hint] : []))).toEqual([
      'REINDEX INDEX CONCURRENTLY "public"."theirs"',
    ]);
    const valid = await query(
      connection,
      `select relname as name, indisvalid as valid from pg_index join pg_class c on c.oid = indexrelid
       where relnamespace = 'public'::regnamespace order by 1`,
    );
    expect(valid).toEqual([
      { name: 'busy_id', valid: true },
      { name: 'other_id', valid: true },
      { name: 'theirs', valid: false },
    ]);
  });
});
