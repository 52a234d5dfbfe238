import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { compareSchemas, describeDifference } from '../../src/migrate/schema/schema-difference.ts';
import { readSchemaFacts, type SchemaFacts } from '../../src/migrate/schema/schema-facts.ts';
import { sql, useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';

const server = useServer();

/** A little of everything, so that each kind of object is there to be changed. */
const MADE = `
  create type public.mood as enum ('calm', 'loud');
  create domain public.length_m as numeric(12,3) not null check (value >= 0);
  create type public.pair as (a integer, b text);
  create sequence public.tickets increment 10;
  create table public.parents (id bigint generated always as identity primary key);
  create table public.things (
    id bigint primary key, label text not null default 'none', mood public.mood, size public.length_m,
    parent_id bigint references public.parents, twice bigint generated always as (id * 2) stored,
    constraint things_label_check check (label <> ''));
  create index things_label_idx on public.things (label) where label <> 'none';
  create statistics public.things_stats on label, mood from public.things;
  create function public.touch() returns trigger language plpgsql as $$
begin
  new.label := upper(new.label);
  return new;
end $$;
  create trigger things_touch before update on public.things for each row execute function public.touch();
  create view public.loud_things as select id, label from public.things where mood = 'loud';
  create materialized view public.counts as select count(*) as n from public.things;
  create policy things_own on public.things using (label = current_user);
  comment on table public.things is 'What there is';
  comment on column public.things.label is 'Its name';
  comment on constraint things_label_check on public.things is 'never empty';
  comment on index public.things_label_idx is 'the search';
  comment on trigger things_touch on public.things is 'upper case';
  comment on column public.loud_things.label is 'Shouted'`;

async function factsOf(connection: ConnectionSettings, ownerAs?: string): Promise<SchemaFacts> {
  return sql(connection, (client) => readSchemaFacts(client, ownerAs === undefined ? {} : { ownerAs }));
}

describe('the facts of a schema', () => {
  let made: ConnectionSettings;
  let expected: SchemaFacts;
  let reader: string;

  beforeAll(async () => {
    made = await server.createDatabase();
    await sql(made, (client) => client.query(MADE));
    expected = await factsOf(made);
    reader = (await server.createRole()).user;
  });

  /** What a change makes different, as people read it. */
  async function changedBy(statements: string, ignore: readonly string[] = []): Promise<string[]> {
    const copy = await server.createDatabase({ template: made.database });
    await sql(copy, (client) => client.query(statements));
    return compareSchemas(expected, await factsOf(copy), { ignore }).map(describeDifference);
  }

  it('are those of the migrations, whoever ran them: the owner has no name', async () => {
    const one = await server.createOwnedDatabase();
    const other = await server.createOwnedDatabase();
    await migrateUp(one);
    await migrateUp(other);
    const facts = await factsOf(one);
    expect(facts.owner).toBe(one.user);
    expect(facts.facts.length).toBeGreaterThan(150);
    expect(compareSchemas(facts, await factsOf(other, facts.owner))).toEqual([]);
    expect(compareSchemas(facts, await factsOf(other)).every(({ object }) => object === 'owner')).toBe(true);
  });

  it('do not change by being read, by another order of columns, or by objects of other schemas and of extensions', async () => {
    expect(
      await changedBy(`
        alter table public.things drop column size;
        alter table public.things add column size public.length_m;
        create schema elsewhere; create table elsewhere.t (id int);
        create extension pg_trgm schema public; create temp table passing (id int);
        grant select on public.things to ${reader}; revoke all on public.things from ${reader};
        create schema structdb; create table structdb.catalog_imports (id int); create table structdb.catalog_foundings (id int);
        create table structdb.catalog_changes (id int); create table structdb.heartbeat (id int);
        alter schema structdb owner to current_user`),
    ).toEqual([]);
  });

  it.each<[string, string, string[]]>([
    [
      'a table too few',
      'drop table public.parents cascade',
      [
        'missing table public.parents',
        'missing constraint things_parent_id_fkey on public.things: FOREIGN KEY (parent_id) REFERENCES public.parents(id)',
      ],
    ],
    [
      'a table too many',
      'create table public.left_over (id int primary key, note text)',
      ['unexpected table public.left_over'],
    ],
    [
      'a column too few',
      'alter table public.things drop column size',
      ['missing column public.things.size: public.length_m'],
    ],
    [
      'another type',
      'alter table public.things alter column size type numeric(9,1)',
      ['different column public.things.size: expected public.length_m, found numeric(9,1)'],
    ],
    [
      'another null',
      'alter table public.things alter column label drop not null',
      [
        `different column public.things.label: expected text not null default 'none'::text, found text default 'none'::text`,
      ],
    ],
    [
      'another default',
      `alter table public.things alter column label set default 'x'`,
      [
        `different column public.things.label: expected text not null default 'none'::text, found text not null default 'x'::text`,
      ],
    ],
    [
      'another identity',
      'alter table public.parents alter column id set generated by default',
      [
        'different column public.parents.id: expected bigint not null generated always as identity, found bigint not null generated by default as identity',
      ],
    ],
    [
      'no longer generated',
      'alter table public.things alter column twice drop expression',
      ['different column public.things.twice: expected bigint generated always as ((id * 2)) stored, found bigint'],
    ],
    [
      'another constraint',
      `alter table public.things drop constraint things_label_check; alter table public.things add constraint things_label_check check (label <> 'x') not valid; comment on constraint things_label_check on public.things is 'never empty'`,
      [
        `different constraint things_label_check on public.things: expected CHECK ((label <> ''::text)), found CHECK ((label <> 'x'::text)) NOT VALID`,
      ],
    ],
    [
      'a foreign key that is not watched',
      'alter table public.things disable trigger all; alter table public.things enable trigger user',
      [
        'different constraint things_parent_id_fkey on public.things: expected FOREIGN KEY (parent_id) REFERENCES public.parents(id), found FOREIGN KEY (parent_id) REFERENCES public.parents(id) (not watched: its triggers are disabled)',
      ],
    ],
    [
      'another index',
      'drop index public.things_label_idx; create index things_label_idx on public.things (label)',
      [
        `different index public.things_label_idx: expected … USING btree (label) WHERE (label <> 'none'::text), found … USING btree (label)`,
        'missing comment index public.things_label_idx: the search',
      ],
    ],
    [
      'an invalid index',
      `update pg_catalog.pg_index set indisvalid = false where indexrelid = 'public.things_label_idx'::regclass`,
      [
        `different index public.things_label_idx: expected … (label <> 'none'::text), found … (label <> 'none'::text) (invalid)`,
      ],
    ],
    [
      'a trigger too few',
      'drop trigger things_touch on public.things',
      [
        'missing trigger things_touch on public.things: CREATE TRIGGER things_touch BEFORE UPDATE ON public.things FOR EACH ROW EXECUTE FUNCTION public.touch()',
      ],
    ],
    [
      'a disabled trigger',
      'alter table public.things disable trigger things_touch',
      [
        'different trigger things_touch on public.things: expected … EXECUTE FUNCTION public.touch(), found … EXECUTE FUNCTION public.touch() (disabled)',
      ],
    ],
    [
      'another label',
      `alter type public.mood add value 'odd' before 'loud'`,
      [`different type public.mood: expected enum ('calm', 'loud'), found enum ('calm', 'odd', 'loud')`],
    ],
    [
      'another domain',
      'alter domain public.length_m drop not null; alter domain public.length_m drop constraint length_m_check',
      [
        'different type public.length_m: expected domain over numeric(12,3) not null, found domain over numeric(12,3)',
        'missing constraint length_m_check on type public.length_m: CHECK ((VALUE >= (0)::numeric))',
      ],
    ],
    [
      'another composite',
      'alter type public.pair add attribute c date',
      [
        'different type public.pair: expected composite (a integer, b text), found composite (a integer, b text, c date)',
      ],
    ],
    [
      'another sequence',
      'alter sequence public.tickets increment 1',
      [
        'different sequence public.tickets: expected sequence bigint start 1 increment 10 from 1 to 9223372036854775807 cache 1, found sequence bigint start 1 increment 1 from 1 to 9223372036854775807 cache 1',
      ],
    ],
    [
      'another function',
      `create or replace function public.touch() returns trigger language plpgsql as $$
begin
  new.label := lower(new.label);
  return new;
end $$`,
      [
        'different function public.touch(): from line 6 on, expected "new.label := upper(new.label);", found "new.label := lower(new.label);"',
      ],
    ],
    [
      'a function too many',
      `create function public.extra(int) returns int language sql as 'select 1'`,
      ['unexpected function public.extra(integer)'],
    ],
    [
      'another view',
      `create or replace view public.loud_things as select id, label from public.things where mood = 'calm'`,
      [
        `different view public.loud_things: from line 4 on, expected "WHERE (mood = 'loud'::public.mood);", found "WHERE (mood = 'calm'::public.mood);"`,
      ],
    ],
    ['another materialised view', 'drop materialized view public.counts', ['missing materialised view public.counts']],
    [
      'another policy',
      'alter policy things_own on public.things using (true)',
      [
        'different policy things_own on public.things: expected permissive for all to public using ((label = CURRENT_USER)), found permissive for all to public using (true)',
      ],
    ],
    [
      'row security',
      'alter table public.things enable row level security',
      ['different table public.things: expected table, found table row security'],
    ],
    [
      'another rule and other statistics',
      'create rule quiet as on delete to public.things do instead nothing; drop statistics public.things_stats',
      [
        'unexpected rule quiet on public.things',
        'missing statistics public.things_stats: CREATE STATISTICS public.things_stats ON label, mood FROM public.things',
      ],
    ],
    [
      'other comments',
      `comment on table public.things is 'All'; comment on column public.things.label is null; comment on trigger things_touch on public.things is 'x'; comment on constraint things_label_check on public.things is null`,
      [
        'missing comment column public.things.label: Its name',
        'missing comment constraint things_label_check on public.things: never empty',
        'different comment table public.things: expected What there is, found All',
        'different comment trigger things_touch on public.things: expected upper case, found x',
      ],
    ],
  ])('tell %s', async (_what, statements, lines) => {
    // PostgreSQL 18 names the table no more where there is only one.
    const told = (await changedBy(statements)).map((line) => line.replaceAll('things.mood', 'mood'));
    expect(told).toEqual(lines);
  });

  it('tell privileges and owners', async () => {
    expect(
      await changedBy(`
        grant select, insert on public.things to ${reader};
        grant update (label) on public.things to ${reader};
        revoke execute on function public.touch() from public;
        alter view public.loud_things owner to ${reader}`),
    ).toEqual([
      `different owner view public.loud_things: expected postgres, found ${reader}`,
      `unexpected privileges column public.things.label: ${reader}: update`,
      'different privileges function public.touch(): expected default, found owner: execute',
      expect.stringMatching(
        new RegExp(
          `^different privileges table public.things: expected default, found owner: .*; ${reader}: insert, select$`,
        ),
      ),
    ]);
  });

  it('leave out what is ignored, with all its parts', async () => {
    const statements = `
      create table public.alembic_version (version_num varchar(32) primary key);
      comment on table public.alembic_version is 'of another tool';
      alter table public.things drop column size, disable trigger things_touch;
      grant select on public.things to ${reader}`;
    expect(await changedBy(statements, ['public.alembic_version', 'trigger *', 'privileges table public.t*'])).toEqual([
      'missing column public.things.size: public.length_m',
    ]);
  });

  it('have names that SQL can take, whatever they are', async () => {
    expect(await changedBy('create table public."Wände ""2""" (id int)')).toEqual([
      'unexpected table public."Wände ""2"""',
    ]);
  });

  it('are read without a transaction left open, also after an error', async () => {
    await sql(made, async (client) => {
      await readSchemaFacts(client);
      const { rows } = await client.query(
        `select now() = statement_timestamp() as alone, current_setting('search_path') as path`,
      );
      expect(rows).toEqual([{ alone: true, path: '"$user", public' }]);
    });
  });
});
