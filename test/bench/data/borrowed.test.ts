import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { bench } from '../../../src/bench/index.ts';
import { configSchema } from '../../../src/config/schema.ts';
import { testContext } from '../../support/context.ts';
import { sql, useServer } from '../../support/postgres.ts';
import { scratchDirectory } from '../../support/scratch.ts';

const server = useServer();

const SUITE = `-- setUp
create schema billing;
-- setUp
create type billing.state as enum ('open', 'paid');
-- setUp
create domain amount as numeric check (value >= 0);
-- setUp
create table billing.invoices (
  number bigint generated always as identity primary key,
  project_id uuid references projects,
  state billing.state default 'open',
  amount amount default 1
);
-- setUp
create table notes (id serial primary key, project_id uuid references projects on delete cascade);
-- setUp
create sequence tickets;
-- setUp
create view latest as select p.name, i.number from projects p left join billing.invoices i using (project_id);
-- setUp
create function total(project uuid) returns numeric stable language sql as
  'select sum(amount) from billing.invoices where project_id = project';

-- name: invoices
select count(*) from billing.invoices;
`;

it('a database of the caller’s is emptied of what a suite and the SQL after loading made in it, before each next size', async () => {
  const connection = await server.createOwnedDatabase();
  const objects = () =>
    sql(connection, async (client) => {
      const { rows } = await client.query<{ name: string }>(
        `select c.oid::regclass::text as name from pg_class c where relnamespace::regnamespace::text !~ '^pg_|^information_schema$'
         union all select p.oid::regprocedure::text from pg_proc p where pronamespace::regnamespace::text !~ '^pg_|^information_schema$'
         union all select t.oid::regtype::text from pg_type t where typnamespace::regnamespace::text !~ '^pg_|^information_schema$'
         union all select nspname::text from pg_namespace where nspname !~ '^pg_'`,
      );
      return rows.map(({ name }) => name).sort();
    });
  await sql(connection, (client) => client.query(`create function mine() returns int language sql as 'select 1'`));
  const before = await objects();
  const projectRoot = await scratchDirectory();
  await writeFile(path.join(projectRoot, 'billing.sql'), SUITE);
  const context = testContext();

  const result = await bench(
    {
      ...{ connection, into: connection.database, objectives: configSchema.parse({}).objectives },
      ...{ projects: [10, 20], clients: 1, samples: 1, maxSamples: 1 },
      sources: { suites: ['billing.sql'], projectRoot },
      afterLoad:
        'create table tried as select project_id from projects; alter table tried add foreign key (project_id) references projects;',
    },
    context,
  );

  expect(result.points.map(({ data }) => data.projects)).toEqual([10, 20]);
  expect(context.events.filter(({ kind }) => kind === 'warning')).toEqual([]);
  expect(await objects()).toEqual(before);
});
