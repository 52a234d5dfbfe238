import { randomBytes } from 'node:crypto';
import { afterAll, expect, it } from '@jest/globals';
import { runBackup } from '../../src/backup/index.ts';
import { judgeCopy, runDumpDrill } from '../../src/drill/index.ts';
import { findBackup, readDumpManifest } from '../../src/repository/backups.ts';
import { restoreDump } from '../../src/restore/index.ts';
import { runOptions } from '../backup/support.ts';
import { belongingsOf } from '../restore/support.ts';
import { testContext } from '../support/context.ts';
import { testPlaces } from '../support/environment.ts';
import { sql, useServer } from '../support/postgres.ts';
import { dumpSchema } from '../support/schema.ts';
import { scratchDirectory } from '../support/scratch.ts';

const server = useServer();
const scratch = await scratchDirectory();
const mark = randomBytes(3).toString('hex');

afterAll(async () => {
  await sql(server.superuser, async (client) => {
    for (const role of ['reader', 'other', `Odd "R", x=y`]) {
      await client.query(`drop role if exists "${role.replaceAll('"', '""')}_${mark}"`).catch(() => {});
    }
  });
});

/** One of everything that pg_dump knows and a check could see differently after a restore. READER and OTHER are roles. */
const EVERYTHING = `
create role READER; create role OTHER; create role ODD;
create schema "we ird"; create schema other authorization OTHER; comment on schema other is 'o';
create domain posint as int check (value > 0); create type mood as enum ('a', 'b''c'); create type pair as (a int, b text);
create type fr as range (subtype = float8);
create table base (id bigint generated always as identity (increment by -2 start with -1 minvalue -9999 maxvalue -1) primary key,
  p posint default 3, m mood, pr pair, g int generated always as (1 + 1) stored, t text collate "C", big text);
insert into base (m, pr, t) select 'a', row(1, 'x')::pair, 't' || i from generate_series(1, 50) i;
create table part (id int, k text) partition by list (k); create table part_a partition of part for values in ('a');
create table part_d partition of part default; create index on part (id);
insert into part select i, case when i % 2 = 0 then 'a' else 'z' end from generate_series(1, 20) i;
create table inh (extra int) inherits (base); insert into inh (id, m, extra) values (77, 'a', 1);
create unlogged table ul (a int); insert into ul values (1);
create table "we ird"."T able" ("co l" int, constraint "c k" check ("co l" > 0) not valid, s serial);
create view v as select id, upper(t) u from base; create rule r as on insert to v do instead nothing;
create materialized view mv as select count(*) c from base; create unique index on mv (c);
create materialized view mv_empty as select 1 with no data;
create function f(a int, b text default 'x') returns int language sql as 'select 1'; comment on function f is 'fn';
create procedure pp() language sql as 'select 1'; create aggregate ag(int) (sfunc = int4pl, stype = int);
create function trg() returns trigger language plpgsql as $$begin return new; end$$;
create trigger t1 before insert on base for each row execute function trg(); alter table base disable trigger t1;
create trigger t2 after update on base for each row execute function trg(); alter table base enable replica trigger t2;
alter table base enable row level security; create policy pol on base for select to READER using (id > 0);
grant select (t), update (t) on base to READER; grant usage on schema other to READER;
grant select on all tables in schema public to READER; grant execute on function f to OTHER with grant option;
revoke execute on function f from public; grant usage on type mood to READER; revoke usage on type posint from public;
grant select on v to ODD; grant delete on ul to READER; revoke delete on ul from READER;
grant update on part to READER; revoke all on part from READER;
alter table "we ird"."T able" owner to OTHER;
alter default privileges for role OTHER in schema other grant select on tables to READER;
create table other.x (a int); alter table other.x owner to OTHER; grant select on other.x to public; revoke all on other.x from OTHER;
select lo_from_bytea(0, 'hello');
create extension btree_gist schema other; create extension pg_stat_statements;
create table ex (during tsrange, n int, exclude using gist (n with =, during with &&) deferrable initially deferred);
create index on base using gin (to_tsvector('english', t)); create index on base (lower(t) desc nulls last) include (p) where id < 0;
cluster part_a using part_a_id_idx; alter table ex replica identity full; create statistics st on id, p from base;
create function evt() returns event_trigger language plpgsql as 'begin end';
create event trigger EVENT on ddl_command_end execute function evt();
create text search configuration tsc (copy = english); create operator === (leftarg = int, rightarg = int, function = int4eq);
create collation coll from "C"; create cast (pair as text) with inout;
comment on table base is 'multi
line -- GRANT ALL ON x TO y;'; comment on column base.t is 'c';
alter table base alter column big set storage external; alter table base set (fillfactor = 70);
create foreign data wrapper fdw; create server srv foreign data wrapper fdw; create foreign table ft (a int) server srv;
create sequence seq increment 5; select nextval('seq'); create sequence unused;
create table usesseq (id int default nextval('seq')); alter sequence seq owned by usesseq.id; insert into usesseq default values;
alter database DATABASE set work_mem = '5MB'; alter database DATABASE set search_path = '$user', 'we "ird', public;
alter role READER in database DATABASE set statement_timeout = 5; alter database DATABASE set "my.custom" = 'it''s \\ x';
grant connect, temp on database DATABASE to READER with grant option; revoke all on database DATABASE from public;
comment on database DATABASE is 'x'; alter database DATABASE set datestyle = 'German';
alter database DATABASE set temp_tablespaces = '';
`;

it('A database with everything that PostgreSQL has is judged whole after a restore', async () => {
  const source = await server.createDatabase();
  const names = { READER: `reader_${mark}`, OTHER: `other_${mark}`, ODD: `Odd "R", x=y_${mark}` };
  let script = EVERYTHING.replaceAll('DATABASE', `"${source.database}"`).replaceAll('EVENT on', `event_${mark} on`);
  for (const [word, name] of Object.entries(names)) {
    script = script.replaceAll(new RegExp(`\\b${word}\\b`, 'g'), `"${name.replaceAll('"', '""')}"`);
  }
  await sql(source, (client) => client.query(script));
  const options = await runOptions(source, scratch);
  const { label } = await runBackup(options, testContext());
  const { database } = await server.createDatabase();
  await sql(server.superuser, (client) => client.query(`drop database "${database}"`));
  const { store } = options;
  const restored = await restoreDump(
    { store, label, connection: server.superuser, database, places: testPlaces() },
    testContext(),
  );
  expect(restored.leftOut).toEqual([]);
  // And where none of its roles are there.
  const objectives = { rto: 900_000, rpo: 300_000 };
  const drill = await runDumpDrill({ store, connection: source, places: testPlaces(), objectives }, testContext());
  expect(drill.verdict).toBeUndefined();
  const copy = { ...source, database };
  const manifest = await readDumpManifest(await findBackup(store, label));
  const checks = await judgeCopy({ connection: copy, manifest, sameMajor: true }, testContext());
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(await dumpSchema(copy)).toBe(await dumpSchema(source));
  const settings = async (connection: typeof copy) => {
    const found = (await belongingsOf(connection)) as { settings: [string, string[]][] };
    return { ...found, settings: found.settings.map(([role, lines]) => [role, [...lines].sort()]) };
  };
  expect(await settings(copy)).toEqual(await settings(source));
});
