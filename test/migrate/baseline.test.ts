import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { down, judgeStatus, status, up } from '../../src/migrate/index.ts';
import { AlembicProject } from '../support/alembic.ts';
import { structdb } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { describeWith } from '../support/programs.ts';
import { migrateUp, picture } from '../support/schema.ts';
import { scratchDirectory } from '../support/scratch.ts';

const server = useServer();

const rows = async (connection: ConnectionSettings, text: string) =>
  (await sql(connection, (client) => client.query(text))).rows;
const baseline = (connection: ConnectionSettings, name: string, ...args: string[]) =>
  structdb(['migrate', 'baseline', name, '--url', urlOf(connection), ...args]);
/** Whether structdb has written anything. */
const books = (connection: ConnectionSettings) =>
  rows(
    connection,
    `select to_regclass('structdb.kysely_migration') as kysely, to_regclass('structdb.migrations') as own`,
  );
const NONE = [{ kysely: null, own: null }];

/** The migrations' schema as another tool would have left it: without structdb's books. */
async function builtElsewhere(count?: number): Promise<ConnectionSettings> {
  const connection = await server.createOwnedDatabase('createdb');
  await migrateUp(connection, count);
  await rows(connection, 'drop schema structdb cascade');
  return connection;
}

describeWith(['alembic'], 'a database that Alembic built', () => {
  let project: AlembicProject;
  beforeAll(async () => {
    project = await AlembicProject.create(await scratchDirectory());
  });

  it('is adopted at its sixth revision, then goes on with structdb; alembic_version stays', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    await project.run(connection, 'upgrade', 'head');
    expect(await project.run(connection, 'current')).toContain('006 (head)');
    const before = await picture(connection);

    const unasked = await baseline(connection, '006');
    expect(unasked).toMatchObject({ exitCode: 2, stdout: '' });
    expect(unasked.stderr).toContain('Record 001_core_schema to 006_envelope_support as applied');
    expect(await books(connection)).toEqual(NONE);

    const adopted = await baseline(connection, '006', '--yes');
    expect(adopted.stdout).toBe(
      '✓ Recorded 001_core_schema to 006_envelope_support as applied; the schema was left as it is.\n' +
        '· public.alembic_version (Alembic, at 006) stays as it is; drop it when Alembic is no longer used.\n' +
        'From here on: structdb migrate status\n',
    );
    expect(adopted).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await picture(connection)).toEqual(before);
    expect(await project.run(connection, 'current')).toContain('006 (head)');
    const told = await status({ connection }, testContext());
    expect(told.migrations.map(({ state, checksum }) => [state, checksum?.length])).toEqual(
      Array(6).fill(['applied', 64]),
    );
    expect(judgeStatus(told)).toBeUndefined();
    expect((await up({ connection }, testContext())).steps).toEqual([]);
    expect((await down({ connection, count: 2 }, testContext())).current).toBe('004_seed_data');
    expect((await up({ connection }, testContext())).pending).toEqual([]);
    expect(await baseline(connection, '006', '--yes')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('has migrations on record here already, the last one 006_envelope_support'),
    });
  });

  it('is adopted at an earlier revision, and structdb applies the rest', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    await project.run(connection, 'upgrade', '003');
    expect(await baseline(connection, '003', '--yes', '--json')).toMatchObject({
      exitCode: 0,
      json: {
        result: {
          recorded: true,
          names: ['001_core_schema', '002_enum_constraints', '003_calibration_pricing'],
          otherBooks: [{ tool: 'Alembic', table: 'public.alembic_version', version: '003' }],
        },
      },
    });
    expect((await up({ connection }, testContext())).steps).toHaveLength(3);
  });
});

describe('structdb migrate baseline', () => {
  it('shows each difference, exits 4 and writes nothing when the schema is another', async () => {
    const connection = await builtElsewhere();
    await sql(connection, async (client) => {
      await client.query('alter table projects alter column customer type varchar(80), add column nickname text');
      await client.query('alter table projects disable trigger user');
      await client.query('drop table code_references');
      await client.query('drop index project_payloads_project_id_version_key');
      await client.query('create table notes (id int primary key)');
      await client.query(
        `do $$ begin execute format('alter database %I reset statement_timeout', current_database()); end $$`,
      );
    });
    const before = await picture(connection);
    const refused = await baseline(connection, '006', '--yes', '--json');
    expect(refused.exitCode).toBe(4);
    expect(refused.json.error).toMatchObject({ code: 'SCHEMA_DIFFERS' });
    const lines: string[] = refused.json.result.differences.map(
      ({ kind, object, name }: { kind: string; object: string; name: string }) => `${kind} ${object} ${name}`,
    );
    expect(lines).toEqual(
      expect.arrayContaining([
        'missing table public.code_references',
        'unexpected table public.notes',
        'different column public.projects.customer',
        'unexpected column public.projects.nickname',
        'missing index public.project_payloads_project_id_version_key',
        'missing setting statement_timeout',
      ]),
    );
    // Nothing twice: neither the columns of a table that is missing, nor those of one too many.
    expect(lines.filter((line) => /code_references|notes/.test(line))).toHaveLength(2);
    expect(lines.filter((line) => /^different trigger .* on public\.projects$/.test(line)).length).toBeGreaterThan(0);
    expect((await baseline(connection, '006', '--yes')).stdout).toContain(
      '✗ different column public.projects.customer: expected text, found character varying(80)\n',
    );
    expect(await books(connection)).toEqual(NONE);
    expect(await picture(connection)).toEqual(before);
  });

  it('sees names, validity, foreign keys that nobody watches and comments; takes what --ignore names', async () => {
    const connection = await builtElsewhere();
    await sql({ ...server.superuser, database: connection.database }, async (client) => {
      await client.query('alter index projects_created_by_idx rename to ix_projects_created_by');
      await client.query('alter table project_events disable trigger all');
      await client.query(
        `update pg_index set indisvalid = false where indexrelid = 'projects_created_at_idx'::regclass`,
      );
      await client.query(`comment on column projects.name is 'another'`);
    });
    const { stdout } = await baseline(connection, '006', '--yes');
    expect(stdout.split('\n').map((line) => line.replace(/: .*/, ''))).toEqual([
      '✗ different constraint project_events_project_id_fkey on public.project_events',
      '✗ unexpected index public.ix_projects_created_by',
      '✗ different index public.projects_created_at_idx',
      '✗ missing index public.projects_created_by_idx',
      '✗ different trigger project_events_refuse_change on public.project_events',
      '✗ different trigger project_events_refuse_truncate on public.project_events',
      '✗ unexpected comment column public.projects.name',
      '',
    ]);
    const ignore = ['constraint *', 'index *', 'trigger *', 'comment column public.projects.*'].flatMap((pattern) => [
      '--ignore',
      pattern,
    ]);
    expect(await baseline(connection, '006', '--yes', ...ignore.slice(0, -2))).toMatchObject({ exitCode: 4 });
    expect(await books(connection)).toEqual(NONE);
    expect(await baseline(connection, '006', '--yes', ...ignore)).toMatchObject({ exitCode: 0 });
  });

  it('compares the schemas that the migrations make, without the order of columns, and whose they are', async () => {
    const { directory } = await migrationFolder({
      '001_app.sql': `-- migrate:up
create schema app;
create table app.rooms (id int primary key, name text not null, area numeric);
create type app.kind as enum ('small');
`,
    });
    const connection = await server.createOwnedDatabase('createdb');
    const adopt = () => baseline(connection, '001', '--yes', '--migrations-dir', directory);
    expect((await adopt()).stdout).toBe('✗ missing schema app\n');
    await rows(connection, `create schema app; create schema other; create table other.own ()`);
    await rows(connection, `create table app.rooms (name text not null, area numeric, id int primary key)`);
    await rows(connection, `create type app.kind as enum ('small', 'large')`);
    expect((await adopt()).stdout).toBe(
      "✗ different type app.kind: expected enum ('small'), found enum ('small', 'large')\n",
    );
    await rows(connection, `drop type app.kind; create type app.kind as enum ('small')`);
    const { user } = await server.createRole();
    const superuser = { ...server.superuser, database: connection.database };
    await rows(superuser, `alter table app.rooms owner to ${user}`);
    expect((await adopt()).stdout).toBe(`✗ different owner table app.rooms: expected the owner, found ${user}\n`);
    await rows(superuser, `alter table app.rooms owner to ${connection.user}`);
    expect(await adopt()).toMatchObject({ exitCode: 0 });
    expect(
      await structdb(['migrate', 'verify', '--migrations-dir', directory, '--url', urlOf(connection)]),
    ).toMatchObject({
      exitCode: 0,
    });
    await rows(connection, 'alter table app.rooms add column note text');
    expect(
      (await structdb(['migrate', 'verify', '--migrations-dir', directory, '--url', urlOf(connection)])).stdout,
    ).toContain('✗ unexpected column app.rooms.note: text\n');
  });

  it('says that a failure was the scratch database’s', async () => {
    const { directory } = await migrationFolder({ '001_bad.sql': '-- migrate:up\nselect 1 / 0;\n' });
    const connection = await server.createOwnedDatabase('createdb');
    const failed = await baseline(connection, '001', '--yes', '--migrations-dir', directory);
    expect(failed).toMatchObject({ exitCode: 1, stdout: '' });
    expect(failed.stderr).toContain('The migrations do not run on an empty database.');
    expect(failed.stderr).toContain('then run: structdb migrate baseline 001');
    expect(await books(connection)).toEqual(NONE);
  });

  it('says at which migration the database is not', async () => {
    const connection = await builtElsewhere(5);
    expect(await baseline(connection, '006', '--yes')).toMatchObject({ exitCode: 4 });
    expect(await baseline(connection, '005', '--yes')).toMatchObject({ exitCode: 0 });
    expect((await up({ connection }, testContext())).steps).toEqual([
      { name: '006_envelope_support', direction: 'up' },
    ]);
  });

  it('adopts for a superuser too, leaves no scratch database, and the ways back hold', async () => {
    const connection = await builtElsewhere();
    const superuser = { ...server.superuser, database: connection.database };
    expect(await baseline(superuser, '006', '--yes')).toMatchObject({ exitCode: 0 });
    // Of this role: other tests are at work on the same server.
    const left = `select datname from pg_database where datname like 'structdb_scratch_%' and datdba = '${superuser.user}'::regrole`;
    expect(await rows(connection, left)).toEqual([]);
    expect((await down({ connection: superuser, count: 6 }, testContext())).current).toBeNull();
  });

  it('names the right that a scratch database needs, and refuses a name that does not exist', async () => {
    const connection = await server.createOwnedDatabase();
    const refused = await baseline(connection, '006', '--yes');
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toContain(`As a superuser: ALTER ROLE "${connection.user}" CREATEDB`);
    expect(await books(connection)).toEqual(NONE);
    expect(await baseline(connection, '009', '--yes')).toMatchObject({ exitCode: 2 });
  });
});
