import { describe, expect, it } from '@jest/globals';
import { lossLine } from '../../src/cli/migrate-losses.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { down, type PreviewDownOptions, previewDown, to, up } from '../../src/migrate/index.ts';
import type { Registry } from '../../src/migrate/registry.ts';
import { testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { statements } from '../support/migrations.ts';
import { sql, useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';

const server = useServer();

type Texts = string | readonly string[];

/** A database to which one migration was applied for each pair of statements, and what taking all back would lose. */
async function migrated(...steps: readonly (readonly [up: Texts, down: Texts])[]) {
  const connection = await server.createOwnedDatabase();
  const registry: Registry = Object.fromEntries(
    steps.map(([upward, downward], index) => [`00${index + 1}_step`, statements(upward, { down: downward })]),
  );
  await up({ connection, registry }, testContext());
  const options = { connection, registry, target: { count: steps.length } };
  return { connection, registry, lost: (more: Partial<PreviewDownOptions> = {}) => lost({ ...options, ...more }) };
}

async function lost(options: PreviewDownOptions): Promise<string[]> {
  return (await previewDown(options, testContext())).losses.map(lossLine);
}

const run = (connection: ConnectionSettings, text: string) => sql(connection, (client) => client.query(text));
const superuserOf = ({ database }: ConnectionSettings) => ({ ...server.superuser, database });

describe('previewDown of any SQL', () => {
  it('finds tables by the search path, with quotes, Unicode, several names, IF EXISTS, in other schemas', async () => {
    const { lost } = await migrated([
      [
        'create schema "Büro"',
        'create table plain as select generate_series(1, 3) as n',
        'create table "Büro"."Räume ""1""" as select 1 as n',
        'create table "Büro".plain as select generate_series(1, 7) as n',
        'create unlogged table lonely ()',
      ],
      [
        'DROP TABLE IF EXISTS plain, nowhere, "Büro"."Räume ""1"""; drop table lonely',
        `set local search_path to nowhere, "Büro"`,
        'drop table plain',
        'drop schema "Büro"',
      ],
    ]);
    expect(await lost()).toEqual([
      'table "Büro"."Räume ""1""": 1 row',
      'table plain: 3 rows',
      'table lonely: 0 rows',
      'table "Büro".plain: 7 rows',
    ]);
  });

  it('tells what CASCADE takes along: views of views, foreign keys, columns, functions', async () => {
    const { lost } = await migrated([
      [
        'create table sites (id int primary key)',
        'create table rooms (id int, site_id int references sites)',
        'create view site_list as select * from sites',
        'create view upper_list as select * from site_list',
        'create materialized view filled as select * from sites with no data',
        'create materialized view empty as select * from upper_list with no data',
        'create function first_site() returns setof sites language sql begin atomic select * from sites; end',
        `create type colour as enum ('red')`,
        'create domain shade as colour',
        `create table doors (id int, colour colour default 'red', shades shade[])`,
        `insert into doors values (1, 'red', null), (2, 'red', '{red}'), (3, null, null)`,
        'insert into sites values (1), (2)',
        'refresh materialized view filled',
      ],
      ['drop table sites cascade', 'drop type colour cascade'],
    ]);
    expect(await lost()).toEqual([
      'table sites: 2 rows',
      'foreign key rooms_site_id_fkey of rooms, by CASCADE',
      'materialised view empty: 0 rows, by CASCADE',
      'materialised view filled: 2 rows, by CASCADE',
      'function public.first_site(), by CASCADE',
      'view site_list, by CASCADE',
      'view upper_list, by CASCADE',
      'column doors.colour: values in 2 rows, by CASCADE',
      'column doors.shades: values in 1 row, by CASCADE',
      'type public.shade, by CASCADE',
    ]);
  });

  it('tells what is in a schema and an extension, and the keys that a constraint takes along', async () => {
    const { connection, lost } = await migrated([
      [
        'create schema app',
        'create table app.sites (id int, constraint sites_pk primary key (id))',
        'create table app.rooms (site_id int references app.sites)',
        'create view app.site_list as select * from app.sites',
        'create function app.f() returns int language sql as $$ select 1 $$',
        'create table outside (site_id int constraint of_site references app.sites)',
        'insert into app.sites values (1)',
      ],
      [
        'alter table app.sites drop constraint sites_pk cascade',
        'drop view app.site_list',
        'drop schema app cascade',
        'drop extension if exists citext cascade',
      ],
    ]);
    await run(
      superuserOf(connection),
      "create extension citext; create table names (name citext); insert into names values ('a')",
    );
    await run(superuserOf(connection), `alter table names owner to "${connection.user}"`);
    expect(await lost()).toEqual([
      'foreign key of_site of outside, by CASCADE',
      'view app.site_list',
      'schema app',
      'table app.rooms: 0 rows, by CASCADE',
      'table app.sites: 1 row, by CASCADE',
      'extension citext',
      'column names.name: values in 1 row, by CASCADE',
    ]);
  });

  it('counts partitions with their table, and children that inherit by themselves', async () => {
    const { lost } = await migrated([
      [
        'create table events (day int, note text) partition by range (day)',
        'create table events_1 partition of events for values from (0) to (10)',
        'create table events_2 partition of events for values from (10) to (20) partition by list (day)',
        'create table events_2a partition of events_2 for values in (15)',
        `insert into events values (1, 'a'), (2, null), (15, 'c')`,
        'create table parent (id int, note text)',
        'create table child () inherits (parent)',
        `insert into parent values (1, 'x')`,
        `insert into child values (2, 'y'), (3, null)`,
        'create table log (day int, note text, other text) partition by range (day)',
        'create table log_1 partition of log for values from (0) to (10)',
        `insert into log values (1, 'a', 'b'), (2, null, 'c')`,
        'create table family (note text)',
        'create table offspring () inherits (family)',
        `insert into family values ('a')`,
        `insert into offspring values ('b')`,
      ],
      [
        'drop table events',
        'drop table if exists events_2a, events_1',
        'drop table parent cascade',
        'alter table log drop column note, drop other',
        'alter table family drop column note',
      ],
    ]);
    expect(await lost()).toEqual([
      'table events: 3 rows',
      'table parent: 1 row',
      'table child: 2 rows, by CASCADE',
      'column log.note: values in 1 row',
      'column log.other: values in 2 rows',
      'column family.note: values in 2 rows',
    ]);
  });

  it('tells rows that TRUNCATE and DELETE take, also through foreign keys', async () => {
    const { lost } = await migrated([
      [
        'create table sites (id int primary key)',
        'create table rooms (id int primary key, site_id int references sites on delete cascade)',
        'create table doors (room_id int references rooms on delete set null)',
        'create table notes (id int)',
        'create table lists (id int)',
        'insert into sites values (1), (2)',
        'insert into rooms values (1, 1)',
        'insert into doors values (1), (1), (null)',
        'insert into notes values (1)',
        'insert into lists values (1), (2)',
      ],
      [
        'delete from sites where id = 1',
        'with gone as (delete from only notes returning id) select count(*) from gone',
        'merge into lists using notes on lists.id = notes.id when matched then delete',
        'truncate sites cascade',
        'truncate sites, rooms, doors',
      ],
    ]);
    expect(await lost()).toEqual([
      'rows of sites: up to 2 rows',
      'rows of rooms: up to 1 row, by CASCADE',
      'rows of notes: up to 1 row',
      'rows of lists: up to 2 rows',
      'all rows of sites: 2 rows',
      'all rows of doors: 3 rows, by CASCADE',
      'all rows of rooms: 1 row, by CASCADE',
    ]);
  });

  it('follows what the way down renames, moves and makes before', async () => {
    const { lost } = await migrated(
      [['create table old (a int)', 'insert into old values (1)'], 'drop table old'],
      ['alter table old rename to "new"', 'alter table "new" rename to old'],
      ['alter table "new" rename column a to b', 'alter table "new" rename column b to a'],
      [
        'create table words (b int); insert into words values (1), (2)',
        ['alter table words rename column b to c', 'alter table words drop column c'],
      ],
      [
        ['create schema app', 'alter table "new" set schema app'],
        ['alter table app."new" set schema public', 'drop schema app'],
      ],
      [
        'create table kept (id int)',
        ['alter table kept rename to aside', 'drop table if exists kept', 'alter table aside rename to kept'],
      ],
      [
        'create view v as select 1 as one',
        ['drop view v', 'create view v as select 2 as two', 'create table temp (id int)', 'drop table temp'],
      ],
    );
    expect(await lost()).toEqual(['column words.b: values in 2 rows', 'table app.new: 1 row']);
  });

  it('does not tell a view that is made again, unless a later step drops it', async () => {
    const steps = [
      ['create view v as select 1 as one', 'drop view v'],
      ['create or replace view v as select 1 as one, 2 as two', ['drop view v', 'create view v as select 1 as one']],
    ] as const;
    const { lost } = await migrated(...steps);
    expect(await lost({ target: { count: 1 } })).toEqual([]);
    expect(await lost()).toEqual(['view v']);
  });

  it('reads DO blocks, and says of what runs code that it is not known', async () => {
    const { lost } = await migrated([
      [
        'create table a ()',
        'create table b (id int)',
        'create table c (id int)',
        'insert into b values (1)',
        'create function drop_all() returns void language plpgsql as $$ begin drop table c; end $$',
        'create function one() returns int immutable language sql as $$ select 1 $$',
      ],
      [
        `do $$ begin if one() = 2 then drop table a; end if; execute 'delete from b'; execute format('grant select on b to %I', current_user); end $$`,
        'drop table a',
        `do $$ begin execute 'drop table ' || 'c'; end $$`,
        'do language plpgsql $$ nonsense $$',
        "select drop_all(), one(), lower('A')",
        'drop owned by nobody',
        'drop server far cascade',
        'drop table if exists public.a, (',
      ],
    ]);
    expect(await lost()).toEqual([
      'rows of b: up to 1 row (a DO block decides)',
      'table a: 0 rows',
      '001_step, statement 3, a DO block: what it loses is not known',
      '001_step, statement 4, a DO block: what it loses is not known',
      '001_step, statement 5, function public.drop_all: what it loses is not known',
      '001_step, statement 6, DROP OWNED: what it loses is not known',
      '001_step, statement 7, DROP FOREIGN SERVER CASCADE: what it loses is not known',
      '001_step, statement 8, a statement that cannot be read: what it loses is not known',
    ]);
  });

  it('does not wait for who has a table alone: the estimate does, or nothing', async () => {
    const { connection, lost } = await migrated([
      [
        'create table parts (id int) partition by range (id)',
        'create table parts_1 partition of parts for values from (0) to (100)',
        'insert into parts select generate_series(1, 20)',
        'create table counted (id int, note text)',
        `insert into counted select n, case when n % 2 = 0 then 'x' end from generate_series(1, 1000) as n`,
        'create table fresh (id int)',
      ],
      ['drop table parts', 'alter table counted drop column note', 'drop table fresh'],
    ]);
    await run(connection, 'analyze');
    await run(
      connection,
      'create table fresh_again (like fresh); drop table fresh; alter table fresh_again rename to fresh',
    );
    await sql(connection, async (holder) => {
      await holder.query('begin');
      await holder.query('lock table parts, counted, fresh in access exclusive mode');
      expect(await lost({ countLimitMs: 100 })).toEqual([
        'table parts: about 20 rows',
        'column counted.note: values in about 500 rows',
        'table fresh: rows unknown',
      ]);
      await holder.query('rollback');
    });
    expect(await lost()).toContain('table parts: 20 rows');
  });

  it('needs no right on what it counts, and does not take what row security shows for all', async () => {
    const { connection, registry } = await migrated([
      [
        'create table secret (id int)',
        'create table shown (id int)',
        'create table partly (id int)',
        'alter table partly enable row level security',
        'create policy half on partly using (id = 1)',
        'insert into shown values (1)',
        'insert into partly values (1), (2)',
      ],
      ['drop table secret', 'drop table shown', 'drop table partly'],
    ]);
    const reader = await server.createRole();
    await run(
      connection,
      `grant usage on schema structdb to ${reader.user};
      grant select on structdb.migrations, structdb.kysely_migration, shown, partly to ${reader.user}`,
    );
    expect(await lost({ connection: { ...connection, ...reader }, registry, target: { count: 1 } })).toEqual([
      'table secret: rows unknown',
      'table shown: 1 row',
      'table partly: rows unknown',
    ]);
  });

  it('locks nothing beyond ACCESS SHARE and cannot write', async () => {
    const { connection, lost } = await migrated([
      [
        'create table a (id int); create table b (id int)',
        'create function counted() returns int volatile language plpgsql as $$ begin insert into b values (1); return 1; end $$',
        'create view busy as select id from a where counted() = 1',
        'insert into a values (1)',
      ],
      ['delete from busy', 'drop view busy', 'drop table a, b cascade'],
    ]);
    await sql(superuserOf(connection), async (holder) => {
      await holder.query('begin');
      await holder.query('lock table a in exclusive mode');
      expect(await lost()).toContain('table a: 1 row');
      await holder.query('rollback');
    });
    // The server refuses what the view would write.
    expect(await lost()).toEqual(['rows of busy: rows unknown', 'view busy', 'table a: 1 row', 'table b: 0 rows']);
    expect((await run(connection, 'select * from b')).rows).toEqual([]);
  });
});

describe('a way down that there is not', () => {
  const first = { up: 'create table kept (id int)', down: 'drop table kept' };
  const cases: readonly (readonly [string, Registry[string], string])[] = [
    ['no down', statements('select 1'), 'Migration 002_once has no down: nothing was taken back.'],
    [
      'a mark with a reason beside its down',
      statements('select 1', { down: 'select 2', irreversible: 'the rows are sold' }),
      'Migration 002_once is marked irreversible (the rows are sold): nothing was taken back.',
    ],
    [
      'a mark',
      statements('select 1', { irreversible: true }),
      'Migration 002_once is marked irreversible: nothing was taken back.',
    ],
  ];
  it.each(cases)('is refused before anything is counted: %s', async (_, once, message) => {
    const registry: Registry = {
      '001_kept': statements(first.up, { down: first.down }),
      '002_once': once,
      '003_more': statements('create table more ()', { down: 'drop table more' }),
    };
    const connection = await server.createOwnedDatabase();
    await up({ connection, registry }, testContext());
    const context = testContext();
    await sql(connection, async (holder) => {
      await holder.query('begin');
      await holder.query('lock table kept, more in access exclusive mode');
      for (const target of [{ count: 2 }, { count: 3 }, { name: '001_kept' }]) {
        const options = { connection, registry, target, countLimitMs: 600_000 };
        expect(await failureOf(previewDown(options, context))).toMatchObject({
          code: 'MIGRATION_IRREVERSIBLE',
          message,
          exitCode: 1,
        });
      }
      expect(await failureOf(down({ connection, registry, count: 2 }, context))).toMatchObject({ message });
      expect(await failureOf(to({ connection, registry, name: '001_kept' }, context))).toMatchObject({ message });
      await holder.query('rollback');
    });
    expect((await previewDown({ connection, registry, target: { count: 1 } }, context)).names).toEqual(['003_more']);
    expect((await previewDown({ connection, registry, target: { name: '002_once' } }, context)).names).toEqual([
      '003_more',
    ]);
  });

  it('refuses a database with a migration that is not among these', async () => {
    const { connection, registry } = await migrated(
      ['create table a ()', 'drop table a'],
      ['create table b ()', 'drop table b'],
    );
    const { '002_step': _, ...less } = registry;
    expect(
      await failureOf(previewDown({ connection, registry: less, target: { count: 1 } }, testContext())),
    ).toMatchObject({
      code: 'MIGRATION_UNKNOWN',
    });
  });
});

describe('previewDown of the migrations that ship', () => {
  it('tells the seeds, the dashboard once, and no table by its parts', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection);
    const last = await lost({ connection, target: { count: 1 } });
    expect(last).toHaveLength(6);
    expect(last.every((line) => line.startsWith('column project'))).toBe(true);
    const three = await lost({ connection, target: { name: '003_calibration_pricing' } });
    expect(three).toContain('materialised view project_dashboard: 0 rows');
    expect(three.filter((line) => line.startsWith('seeds in '))).toEqual([
      'seeds in pricing_configs: up to 3 rows, where unchanged and not referenced',
      'seeds in calibration_constants: up to 10 rows, where unchanged and not referenced',
      'seeds in material_catalog: up to 2 rows, where unchanged and not referenced',
      'seeds in code_references: up to 8 rows, where unchanged and not referenced',
    ]);
    const all = await lost({ connection, target: { count: 6 } });
    expect(all.filter((line) => /^(column|seeds)/.test(line))).toEqual([]);
    expect(all.filter((line) => line.startsWith('table '))).toHaveLength(7);
  });
});
