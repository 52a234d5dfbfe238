import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { LOCK_MODES, type LockMode } from '../../src/migrate/plan/lock-levels.ts';
import { relationLookup } from '../../src/migrate/plan/relation-facts.ts';
import { effectsOf } from '../../src/migrate/plan/statement-effects.ts';
import { embeddedServer } from '../support/embedded.ts';
import { sql, useServer } from '../support/postgres.ts';

const server = useServer();

const FIXTURE = `
  create schema app;
  set search_path = app;
  create table parent (id int primary key, name text);
  create table child (id int primary key, parent_id int, note varchar(10), amount int, at timestamptz);
  alter table child add constraint child_amount check (amount is null or amount > 0) not valid;
  create table linked (id int primary key, parent_id int);
  alter table linked add constraint linked_parent foreign key (parent_id) references parent not valid;
  create table spare (id int, code text not null);
  create unique index spare_id on spare (id);
  create index child_parent on child (parent_id);
  create table parted (id int, kind int) partition by list (kind);
  create table part_one partition of parted for values in (1);
  create table part_two (id int, kind int);
  create view glance as select id from child;
  create materialized view summary as select id, count(*) from child group by id;
  create unique index summary_id on summary (id);
  create sequence counter;
  create type mood as enum ('good');
  create function touch() returns trigger language plpgsql as 'begin return new; end';
  create trigger touched before update on child for each row execute function touch();
  create rule quiet as on delete to spare do instead nothing;
  create policy everyone on child using (true);
  insert into parent select g, 'p' from generate_series(1, 50) g;
  insert into child (id, parent_id, note, amount) select g, g, 'n', g from generate_series(1, 50) g;
  insert into linked select g, g from generate_series(1, 50) g;
  insert into spare select g, 'c' from generate_series(1, 50) g;
  insert into part_two select g, 2 from generate_series(1, 50) g;
  analyze parent, child, linked, spare, part_two;
  refresh materialized view summary;`;

const STATEMENTS: readonly string[] = [
  'select * from app.child',
  'select * from app.child for update',
  'insert into app.parent values (100)',
  'insert into app.parent (id) select id + 1000 from app.child',
  'update app.child set amount = 3 where id = 1',
  'delete from app.linked where id = 1',
  'with gone as (delete from app.linked returning *) insert into app.spare select id + 1000, $$x$$ from gone',
  'with gone as (delete from app.linked returning *) select * from gone',
  'truncate app.linked, app.spare',
  'lock table app.child in share mode',
  'lock table app.child in share row exclusive mode',
  'lock table app.child in exclusive mode',
  'lock table app.child',
  'create index on app.child (amount)',
  'create unique index child_at on app.child (id, at)',
  'drop index app.child_parent',
  'reindex table app.child',
  'reindex index app.child_parent',
  'alter index app.child_parent rename to child_parent_2',
  'alter index app.child_parent set (fillfactor = 80)',
  'create table app.fresh (id int primary key, parent_id int references app.parent)',
  'create table app.fresh (like app.child)',
  'create table app.fresh () inherits (app.parent)',
  'create table app.part_three partition of app.parted for values in (3)',
  'create table app.copy as select * from app.child',
  'create view app.other as select * from app.child',
  'create or replace view app.glance as select id from app.child',
  'create materialized view app.totals as select * from app.child',
  'refresh materialized view app.summary',
  'refresh materialized view concurrently app.summary',
  'create sequence app.another',
  'alter sequence app.counter increment by 2',
  'drop table app.spare',
  'drop table app.linked',
  'drop view app.glance',
  'drop materialized view app.summary',
  'drop sequence app.counter',
  "comment on table app.child is 'x'",
  "comment on column app.child.note is 'x'",
  "comment on index app.child_parent is 'x'",
  "comment on constraint child_amount on app.child is 'x'",
  "comment on trigger touched on app.child is 'x'",
  "comment on materialized view app.summary is 'x'",
  'create statistics app.both on id, amount from app.child',
  'create trigger again before insert on app.child for each row execute function app.touch()',
  'create constraint trigger later after insert on app.child from app.parent deferrable for each row execute function app.touch()',
  'drop trigger touched on app.child',
  'create rule loud as on update to app.spare do also notify x',
  'drop rule quiet on app.spare',
  'create policy several on app.child using (false)',
  'alter policy everyone on app.child using (false)',
  'drop policy everyone on app.child',
  'alter table app.child add column extra int',
  'alter table app.child add column extra int not null default 7',
  'alter table app.child add column extra timestamptz default now()',
  'alter table app.child add column extra float default random()',
  'alter table app.child add column extra uuid default gen_random_uuid()',
  'alter table app.child add column extra timestamptz default clock_timestamp()',
  'alter table app.child add column extra serial',
  'alter table app.child add column extra int generated always as identity',
  'alter table app.child add column extra int generated always as (amount * 2) stored',
  'alter table app.child add column extra int check (extra > 0)',
  'alter table app.child add column extra int unique',
  'alter table app.child add column extra int references app.parent',
  'alter table app.child drop column note',
  'alter table app.child alter column amount type bigint',
  'alter table app.child alter column at type text using at::text',
  "alter table app.child alter column note set default 'n'",
  'alter table app.child alter column note drop default',
  'alter table app.child alter column parent_id set not null',
  'alter table app.spare alter column code drop not null',
  'alter table app.child alter column note set statistics 50',
  'alter table app.child alter column note set (n_distinct = 5)',
  'alter table app.child alter column note set storage external',
  'alter table app.child set (fillfactor = 80)',
  'alter table app.child reset (fillfactor)',
  'alter table app.child add constraint c check (id > 0)',
  'alter table app.child add constraint c check (id > 0) not valid',
  'alter table app.child add constraint c unique (id, note)',
  'alter table app.spare add primary key (id)',
  'alter table app.spare add constraint spare_key unique using index spare_id',
  'alter table app.spare add constraint spare_key primary key using index spare_id',
  'alter table app.child add constraint c exclude (id with =)',
  'alter table app.child add foreign key (parent_id) references app.parent',
  'alter table app.child add foreign key (parent_id) references app.parent not valid',
  'alter table app.child validate constraint child_amount',
  'alter table app.linked validate constraint linked_parent',
  'alter table app.child drop constraint child_amount',
  'alter table app.linked drop constraint linked_parent',
  'alter table app.child disable trigger touched',
  'alter table app.child enable always trigger touched',
  'alter table app.child enable row level security',
  'alter table app.child cluster on child_pkey',
  'alter table app.child set unlogged',
  'alter table app.parted attach partition app.part_two for values in (2)',
  'alter table app.parted detach partition app.part_one',
  'alter table app.child replica identity full',
  'alter table app.child rename to child_2',
  'alter table app.child rename column note to remark',
  'alter table app.child rename constraint child_amount to child_amount_2',
  'alter table app.child set schema public',
  'alter table app.child owner to current_user',
  'alter table app.child add column a int, alter column note set statistics 50',
  'alter view app.glance set (security_barrier)',
  'analyze app.child',
  'cluster app.child using child_pkey',
  "create type app.size as enum ('s')",
  "alter type app.mood add value 'bad'",
  "alter type app.mood rename value 'good' to 'fine'",
  'create function app.one() returns int language sql return 1',
  'create schema more',
  'grant select on app.child to public',
  "set local lock_timeout = '1s'",
];

/** Forms that cannot run in a transaction: they wait for a writer meanwhile. */
const CONCURRENT: readonly string[] = [
  'create index concurrently on app.child (amount)',
  'reindex index concurrently app.child_parent',
  'reindex table concurrently app.child',
  'drop index concurrently app.child_parent',
];

interface Seen {
  readonly modes: Readonly<Record<string, LockMode>>;
  /** Files that were new afterwards, and rows that were read: of the tables that were there. */
  readonly rewritten: readonly string[];
  readonly scanned: readonly string[];
}

const MODES: Readonly<Record<string, LockMode>> = Object.fromEntries(
  (Object.keys(LOCK_MODES) as LockMode[]).map((mode) => [
    `${mode
      .split(' ')
      .map((word) => word[0] + word.slice(1).toLowerCase())
      .join('')}Lock`,
    mode,
  ]),
);
const STRENGTH = Object.keys(LOCK_MODES);

/** The strongest lock that backend `pid` holds on each of the tables, views and sequences that were there before. */
async function locksHeld(
  client: pg.Client,
  pid: number,
  there: ReadonlyMap<number, string>,
): Promise<Record<string, LockMode>> {
  const { rows } = await client.query<{ relation: number; mode: string }>(
    `select relation, mode from pg_locks where locktype = 'relation' and pid = $1`,
    [pid],
  );
  const strongest: Record<string, LockMode> = {};
  for (const { relation, mode } of rows) {
    const name = there.get(relation);
    if (name === undefined) continue;
    const found = MODES[mode]!;
    if (STRENGTH.indexOf(found) >= STRENGTH.indexOf(strongest[name] ?? '')) strongest[name] = found;
  }
  return strongest;
}

async function relationsThere(client: pg.Client): Promise<Map<number, string>> {
  const { rows } = await client.query<{ oid: number; name: string }>(
    `select oid::int, format('app.%I', relname) as name from pg_class
     where relnamespace = 'app'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S')`,
  );
  return new Map(rows.map(({ oid, name }) => [oid, name]));
}

async function runRolledBack(client: pg.Client, statement: string): Promise<Seen> {
  const there = await relationsThere(client);
  const files = async () => {
    const { rows } = await client.query<{ oid: number; file: number }>(
      'select oid::int, relfilenode::int as file from pg_class where oid = any ($1)',
      [[...there.keys()]],
    );
    return new Map(rows.map(({ oid, file }) => [oid, file]));
  };
  const before = await files();
  await client.query('begin');
  try {
    const scans = async () => {
      const { rows } = await client.query<{ oid: number; tuples: string }>(
        'select oid::int, pg_stat_get_xact_tuples_returned(oid) as tuples from unnest($1::oid[]) oid',
        [[...there.keys()]],
      );
      return new Map(rows.map(({ oid, tuples }) => [oid, Number(tuples)]));
    };
    const scansBefore = await scans();
    await client.query(statement);
    const scansAfter = await scans();
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const modes = await locksHeld(client, rows[0]!.pid, there);
    const after = await files();
    const named = (oids: number[]) => oids.map((oid) => there.get(oid)!).sort();
    return {
      modes,
      rewritten: named([...before.keys()].filter((oid) => after.has(oid) && after.get(oid) !== before.get(oid))),
      scanned: named([...there.keys()].filter((oid) => scansAfter.get(oid)! > scansBefore.get(oid)!)),
    };
  } finally {
    await client.query('rollback');
  }
}

/** How often the server is asked whether a statement waits. */
const POLL_MS = 20;

async function locksWhileWaiting(
  [client, watcher, writer]: readonly [pg.Client, pg.Client, pg.Client],
  statement: string,
): Promise<Record<string, LockMode>> {
  const there = await relationsThere(watcher);
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  await writer.query('begin');
  await writer.query('update app.child set amount = 2 where id = 1');
  let ended = false;
  const running = client.query(statement).finally(() => {
    ended = true;
  });
  try {
    while (!ended) {
      const { rows: waits } = await watcher.query(
        `select from pg_stat_activity where pid = $1 and state = 'active' and wait_event_type = 'Lock'`,
        [rows[0]!.pid],
      );
      if (waits.length > 0) return await locksHeld(watcher, rows[0]!.pid, there);
      await sleep(POLL_MS);
    }
    throw new Error(`${statement} did not wait`);
  } finally {
    await writer.query('rollback');
    await running;
  }
}

const SERVERS: readonly [string, () => Promise<ConnectionSettings>][] = [
  ['15', () => server.createDatabase()],
  ['18', () => embeddedServer(18)],
];

describe('the lock levels that plan tells', () => {
  it.each(SERVERS)('are those that PostgreSQL %s takes, statement by statement', async (_major, database) => {
    const connection = await database();
    await sql(connection, async (client) => {
      await client.query(FIXTURE);
      await client.query('reset search_path');
      const tables = [...(await relationsThere(client)).values()];
      const told: unknown[] = [];
      const seen: unknown[] = [];
      for (const statement of STATEMENTS) {
        const [effects] = await effectsOf([statement], { transactional: false, lookup: relationLookup(client) });
        const locks = effects!.locks.filter(({ relation }) => tables.includes(relation));
        const { modes, rewritten, scanned } = await runRolledBack(client, statement);
        const named = new Set(locks.map(({ relation }) => relation));
        // TRUNCATE gives an empty file, ALTER SEQUENCE a new one of a page: neither is work.
        const isWork = !/^(truncate|alter sequence)/.test(statement);
        // What a query reads is its own affair.
        const isScan = (relation: string) =>
          !['ACCESS SHARE', 'ROW SHARE', 'ROW EXCLUSIVE'].includes(modes[relation] ?? 'ACCESS SHARE');
        told.push({
          statement,
          unknown: null,
          modes: Object.fromEntries(locks.map(({ relation, mode }) => [relation, mode])),
          rewritten: locks.flatMap(({ relation, work }) => (work === 'rewrites' ? [relation] : [])).sort(),
          scanned: locks
            .flatMap(({ relation, work }) => (work === 'scans' && isScan(relation) ? [relation] : []))
            .sort(),
        });
        seen.push({
          statement,
          unknown: effects!.unknown,
          // The tables behind a view or a foreign key are only looked at.
          modes: Object.fromEntries(
            Object.entries(modes).filter(([relation, mode]) => named.has(relation) || mode !== 'ACCESS SHARE'),
          ),
          rewritten: isWork ? rewritten : [],
          scanned: scanned.filter((relation) => isScan(relation) && !rewritten.includes(relation)),
        });
      }
      expect(seen).toEqual(told);
    });
  });

  it('are those of the forms that wait for others, too', async () => {
    const connection = await server.createDatabase();
    await sql(connection, (client) =>
      sql(connection, (watcher) =>
        sql(connection, async (writer) => {
          await client.query(FIXTURE);
          await client.query('reset search_path');
          for (const statement of CONCURRENT) {
            const [effects] = await effectsOf([statement], { transactional: false, lookup: relationLookup(watcher) });
            const told = Object.fromEntries(effects!.locks.map(({ relation, mode }) => [relation, mode]));
            const seen = await locksWhileWaiting([client, watcher, writer], statement);
            expect({ statement, locks: seen }).toEqual({ statement, locks: told });
          }
        }),
      ),
    );
  });

  it('names what cannot be told', async () => {
    const lookup = async () => () => undefined;
    const unknown = async (statement: string) =>
      (await effectsOf([statement], { transactional: true, lookup }))[0]!.unknown;
    expect(await unknown('do $$ begin end $$')).toContain('cannot be told from outside');
    expect(await unknown('select app.work()')).toContain('may lock more');
    expect(await unknown("select set_config('lock_timeout', '1s', true)")).toBeNull();
    expect(await unknown('drop schema app cascade')).toContain('CASCADE');
    expect(await unknown('alter tabel app.child')).toMatch(/^cannot be read: syntax error/);
    expect(await unknown('create subscription s connection $$$$ publication p')).toContain('not known to structdb');
  });

  it('leave out what the transaction itself has made', async () => {
    const statements = ['create table app.fresh (id int)', 'alter table app.fresh add column a int'];
    const lookup = async () => () => undefined;
    const locks = async (transactional: boolean) =>
      (await effectsOf(statements, { transactional, lookup }))[1]!.locks.map(({ relation }) => relation);
    expect(await locks(true)).toEqual([]);
    expect(await locks(false)).toEqual(['app.fresh']);
  });
});
