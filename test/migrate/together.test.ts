import { describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { down, status, up } from '../../src/migrate/index.ts';
import { namesOf, type Registry } from '../../src/migrate/registry.ts';
import { testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { statements } from '../support/migrations.ts';
import { sql, until, useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';

const server = useServer();
const query = async (connection: ConnectionSettings, text: string) =>
  (await sql(connection, (client) => client.query(text))).rows;

/** Each step leaves a row, so that one that runs twice is seen. */
const step = (name: string) => `insert into steps values ('${name}')`;
const registry: Registry = {
  '001_tables': statements(['create table steps (name text)', 'create table busy (id int)', step('001')]),
  '002_index': statements(['create index concurrently busy_id on busy (id)', step('002')], {
    transaction: false,
    lockTimeout: '0',
  }),
  '003_column': statements(['alter table busy add column more int', step('003')]),
  '004_index': statements(['create index concurrently busy_more on busy (more)', step('004')], {
    transaction: false,
    lockTimeout: '0',
  }),
};

describe.each([2, 10])('%i migrators at once, with concurrent index builds among the steps', (count) => {
  it('all end well: nothing is applied twice, nobody dies of a deadlock', async () => {
    const connection = await server.createOwnedDatabase();
    await up({ connection, registry, count: 1 }, testContext());
    const contexts = Array.from({ length: count }, () => testContext());
    const results = await sql(connection, async (writer) => {
      await writer.query('begin');
      await writer.query('insert into busy values (1)');
      const runs = contexts.map((context) => up({ connection, registry }, context));
      await until(
        connection,
        `select from pg_stat_activity where datname = current_database()
        and query like 'create index concurrently%' and wait_event_type = 'Lock'`,
      );
      // Longer than deadlock_timeout: a migrator that waited in the server would be part of a circle by now.
      await writer.query(`select pg_sleep(1.5)`);
      await writer.query('commit');
      return Promise.all(runs);
    });
    expect(results.flatMap(({ steps }) => steps.map(({ name }) => name))).toEqual(namesOf(registry).slice(1));
    expect(results.every(({ pending }) => pending.length === 0)).toBe(true);
    expect(await query(connection, 'select name from steps order by 1')).toEqual(
      ['001', '002', '003', '004'].map((name) => ({ name })),
    );
    expect(await query(connection, 'select from pg_index where not indisvalid')).toEqual([]);
    const waited = contexts.filter(({ events }) =>
      events.some(
        (event) => event.kind === 'notice' && event.message.startsWith('Waiting for another migration run: pid'),
      ),
    );
    expect(waited).toHaveLength(count - 1);
  });
});

describe('the connection is lost in the middle', () => {
  const terminate = (connection: ConnectionSettings) =>
    query(
      connection,
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'structdb migrate'`,
    );
  const slow: Registry = {
    '001_first': statements('create table first ()'),
    '002_slow': statements(['create table second ()', `select 'now', pg_sleep(60)`]),
    '003_last': statements('create table last ()'),
  };

  it('says what the database says, and the next run goes on from there', async () => {
    const connection = await server.createOwnedDatabase();
    const run = failureOf(up({ connection, registry: slow }, testContext()));
    await until(
      connection,
      `select from pg_stat_activity where query like 'select ''now'', pg_sleep%'
      and datname = current_database()`,
    );
    await terminate(connection);
    const error = await run;
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', exitCode: 1 });
    expect(error.message).toMatch(
      / closed the connection during migrate up: terminating connection due to administrator command\. The database says: 001_first is applied, 002_slow, 003_last are not applied\.$/,
    );
    expect(await query(connection, `select to_regclass('second') as made`)).toEqual([{ made: null }]);
    const quick: Registry = { ...slow, '002_slow': statements('create table second ()') };
    expect((await up({ connection, registry: quick }, testContext())).steps).toHaveLength(2);
  });

  it('at the commit too, whose answer did not come', async () => {
    const connection = await server.createOwnedDatabase();
    // A constraint that is checked at the commit: the transaction is lost there, with all that it did.
    const atCommit: Registry = {
      '001_first': statements([
        'create table first (id int)',
        `create function wait() returns trigger language plpgsql as $$ begin perform pg_sleep(60); return null; end $$`,
        `create constraint trigger wait after insert on first deferrable initially deferred
          for each row execute function wait()`,
      ]),
      '002_slow': statements('insert into first values (1)'),
    };
    const run = failureOf(up({ connection, registry: atCommit }, testContext()));
    await until(
      connection,
      `select from pg_stat_activity where query ~* '^commit' and wait_event = 'PgSleep'
      and datname = current_database()`,
    );
    await terminate(connection);
    expect((await run).message).toMatch(/The database says: 001_first is applied, 002_slow is not applied\.$/);
  });
});

describe('names', () => {
  it('with quotes and unicode: of database, role, migrations', async () => {
    const name = `Büro "7" 'süd' ${process.pid}`;
    const connection = await server.createDatabase({ name });
    const odd: Registry = {
      '001_größe "x" \'y\'': statements(`create table "Größe ""x""" ("ä'" int)`, { down: `drop table "Größe ""x"""` }),
      '002_日本': statements('create table 日本 (id int)', { down: 'drop table 日本' }),
    };
    const context = testContext();
    expect((await up({ connection, registry: odd }, context)).current).toBe('002_日本');
    expect((await down({ connection, registry: odd, count: 2 }, context)).steps).toHaveLength(2);
    await migrateUp(connection);
    expect((await status({ connection }, context)).pending).toEqual([]);
  });
});

describe('a table kysely_migration in another schema', () => {
  it('is neither read nor written', async () => {
    const connection = await server.createOwnedDatabase();
    await query(
      connection,
      `create schema theirs;
       create table theirs.kysely_migration (name varchar(255) primary key, timestamp varchar(255));
       create table public.kysely_migration (name varchar(255) primary key, timestamp varchar(255));
       create table public.kysely_migration_lock (id varchar(255) primary key, is_locked int);
       insert into theirs.kysely_migration values ('001_theirs', '2020-01-01T00:00:00.000Z');
       insert into public.kysely_migration values ('001_core_schema', '2020-01-01T00:00:00.000Z')`,
    );
    expect((await status({ connection }, testContext())).current).toBeNull();
    await migrateUp(connection);
    await down({ connection }, testContext());
    expect((await status({ connection }, testContext())).current).toBe('005_performance_monitoring');
    expect(
      await query(
        connection,
        'select name from theirs.kysely_migration union all select name from public.kysely_migration',
      ),
    ).toEqual([{ name: '001_theirs' }, { name: '001_core_schema' }]);
    expect(await query(connection, 'select from public.kysely_migration_lock')).toEqual([]);
  });
});
