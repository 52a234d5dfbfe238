import { expect, it } from '@jest/globals';
import { loadMigrations, type Registry, redo, status, up, verify } from '../../src/migrate/index.ts';
import { testContext } from '../support/context.ts';
import { testPlaces } from '../support/environment.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { sql, useServer } from '../support/postgres.ts';

const server = useServer();

/** What a migration leaves in its session, `set search_path` as pg_dump writes it. */
const LEAVINGS = [
  `select pg_catalog.set_config('search_path', '', false)`,
  'set client_connection_check_interval = 0',
  'set standard_conforming_strings = off',
  'create temporary table places (id text)',
];
const NEXT = ['create table places (id int)', `comment on table places is 'back\\slash'`];
const BACK = 'drop table public.places';

function typescript(up: readonly string[], config: string): string {
  const send = (statements: readonly string[]) =>
    statements.map((one) => `await sql.raw(${JSON.stringify(one)}).execute(db);`).join('\n');
  return `import { sql } from 'kysely';
    export const config = ${config};
    export async function up(db) { ${send(up)} }
    export async function down(db) { ${send([BACK])} }`;
}

function script(up: readonly string[], options = ''): string {
  return `-- migrate:up ${options}\n${up.join(';\n')};\n-- migrate:down\n${BACK};\n`;
}

async function registryOf(files: Readonly<Record<string, string>>): Promise<Registry> {
  return loadMigrations((await migrationFolder(files)).directory);
}

it.each([
  ['a SQL file', { '001.sql': script(LEAVINGS), '002.sql': script(NEXT) }],
  ['TypeScript', { '001.ts': typescript(LEAVINGS, '{}'), '002.ts': typescript(NEXT, '{}') }],
  [
    'none of them a transaction',
    { '001.sql': script(LEAVINGS, 'transaction:false'), '002.ts': typescript(NEXT, '{ transaction: false }') },
  ],
])('what a migration sets does not reach the next one of the same run: %s', async (_, files) => {
  const connection = await server.createOwnedDatabase();
  const registry = await registryOf({
    ...files,
    '003.sql': `-- migrate:up
create table seen as select current_setting('search_path') as path, current_setting('client_connection_check_interval') as interval;
-- migrate:down
drop table seen;`,
  });
  const context = testContext();
  await up({ connection, registry }, context);
  const seen = () =>
    sql(connection, async (client) => {
      const { rows } = await client.query(`select path, interval, obj_description('public.places'::regclass) as comment,
        pg_typeof(id)::text as type from public.seen left join public.places on true`);
      return rows;
    });
  expect(await seen()).toEqual([{ path: '"$user", public', interval: '2s', comment: 'back\\slash', type: 'integer' }]);
  expect((await verify({ connection, registry, places: testPlaces() }, context)).differences).toEqual([]);
  await redo({ connection, registry, count: 2 }, context);
  expect(await seen()).toHaveLength(1);
});

it.each([
  ['a SQL file', '001.sql', (up: readonly string[]) => script(up)],
  ['TypeScript', '001.ts', (up: readonly string[]) => typescript(up, '{}')],
  ['without a transaction', '001.sql', (up: readonly string[]) => script(up, 'transaction:false')],
])('a migration may take another role, and is recorded as the one of the run: %s', async (_, name, write) => {
  const { user, ...rest } = await server.createDatabase();
  const role = `tables_of_${rest.database}`;
  const connection = { ...rest, user };
  await sql(connection, (client) =>
    client.query(`create role ${role}; grant create on schema public to ${role} with grant option`),
  );
  const registry = await registryOf({
    [name]: write([`set role ${role}`, 'create table places ()']),
    '002.sql': '-- migrate:up\ncreate table others ();\n',
  });
  await up({ connection, registry }, testContext());
  const { migrations } = await status({ connection, registry }, testContext());
  expect(migrations.map(({ appliedBy, state }) => [state, appliedBy])).toEqual([
    ['applied', user],
    ['applied', user],
  ]);
  await sql(connection, async (client) => {
    const { rows } = await client.query(
      `select tablename as name, tableowner as owner from pg_tables where schemaname = 'public' order by 1`,
    );
    expect(rows).toEqual([
      { name: 'others', owner: user },
      { name: 'places', owner: role },
    ]);
    await client.query(`drop owned by ${role}; drop role ${role}`);
  });
});
