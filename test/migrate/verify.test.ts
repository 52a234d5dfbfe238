import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { sql as statement } from 'kysely';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { compileMigration } from '../../src/migrate/compile.ts';
import {
  describeDifference,
  judgeVerify,
  loadMigrations,
  to,
  up,
  type VerifyOptions,
  verify,
} from '../../src/migrate/index.ts';
import { type Registry, registry } from '../../src/migrate/registry.ts';
import { findServerPrograms, withScratchCluster } from '../../src/postgres/cluster.ts';
import { temporaryRoot } from '../../src/programs/own-directory.ts';
import { program, structdb } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { testEnvironment, testPlaces } from '../support/environment.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { statements } from '../support/migrations.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';
import { restartAsStandby, STANDBY_SETTINGS } from '../support/standby.ts';

const server = useServer();

function check(connection: ConnectionSettings, options: Partial<VerifyOptions> = {}) {
  return verify({ connection, places: testPlaces(), ...options }, testContext());
}

/** Scratch databases that this role has made and not dropped. */
async function leftOvers({ user }: ConnectionSettings): Promise<string[]> {
  const { rows } = await sql(server.superuser, (client) =>
    client.query<{ name: string }>(
      `select datname as name from pg_database where datname like 'structdb\\_scratch\\_%' and pg_get_userbyid(datdba) = $1`,
      [user],
    ),
  );
  return rows.map(({ name }) => name);
}

/** The shipped migrations, one of them with other SQL. */
async function edited(name: string, change: (text: string) => string): Promise<Registry> {
  const texts = await compileMigration(registry[name]!, 'up');
  return { ...registry, [name]: statements(texts.map(change)) };
}

describe('migrate verify', () => {
  it('finds nothing in a database that its migrations made, tried in a scratch database or on a private server', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    await migrateUp(connection);
    const inDatabase = await check(connection);
    expect(inDatabase).toMatchObject({ mode: 'strict', scratch: 'database', differences: [] });
    expect(inDatabase.migrations.map(({ state }) => state)).toEqual(Array(6).fill('same'));
    expect(judgeVerify(inDatabase)).toBeUndefined();
    expect(await check(connection, { privateServer: true })).toEqual({ ...inDatabase, scratch: 'server' });
    expect(await leftOvers(connection)).toEqual([]);
  });

  it('finds nothing after ways back either, whose migrations remember beyond them, but misses what they need', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    await migrateUp(connection);
    for (const name of ['003_calibration_pricing', '001_core_schema']) {
      await to({ connection, name }, testContext());
      expect((await check(connection)).differences).toEqual([]);
    }
    await migrateUp(connection);
    await sql(connection, (client) => client.query('drop table structdb.seeded_rows'));
    expect((await check(connection)).differences.map(describeDifference)).toEqual([
      'missing table structdb.seeded_rows',
    ]);
  });

  it('takes a private server for a role that may not create databases, whatever roles the migrations grant to', async () => {
    const connection = await server.createOwnedDatabase();
    const { user } = await server.createRole();
    const granting: Registry = {
      '001_grant': {
        up: async (db) => {
          await statement`create table public.shared (id int)`.execute(db);
          await statement`grant select on public.shared to ${statement.id(user)}`.execute(db);
        },
      },
    };
    await sql(connection, async (client) => {
      await client.query(`create schema structdb`);
      await client.query(`create table structdb.kysely_migration (name text, timestamp text)`);
      await client.query(
        `create table structdb.migrations (name text, checksum text, sql text, duration_ms float8, tool_version text, applied_by text)`,
      );
      await client.query(`insert into structdb.kysely_migration values ('001_grant', '2026-01-01T00:00:00Z')`);
      await client.query(`create table public.shared (id int)`);
      await client.query(`grant select on public.shared to "${user}"`);
    });
    const result = await check(connection, { registry: granting });
    expect(result).toMatchObject({
      scratch: 'server',
      differences: [],
      migrations: [{ name: '001_grant', state: 'no checksum', recorded: null }],
    });
    expect(judgeVerify(result)).toBeUndefined();
  });

  it('needs no more of its role than to read the books', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection);
    const checker = await server.createRole('createdb');
    await sql(connection, (client) =>
      client.query(`grant usage on schema structdb to ${checker.user};
        grant select on structdb.migrations, structdb.kysely_migration to ${checker.user}`),
    );
    expect(await check({ ...connection, ...checker })).toMatchObject({ scratch: 'database', differences: [] });
  });

  it('of a standby takes a private server, also for a superuser: nothing can be created there', async () => {
    const context = testContext();
    const programs = await findServerPrograms(testPlaces());
    const settings = STANDBY_SETTINGS;
    await withScratchCluster({ programs, environment: testEnvironment(), settings }, context, async (cluster) => {
      const { connection } = cluster;
      await migrateUp(connection, 3);
      await sql(connection, async (client) => {
        await client.query('create role only_there; grant select on public.projects to only_there');
        await client.query('alter table public.projects add column note text');
      });
      await restartAsStandby(cluster, programs, context);
      const result = await check(connection);
      expect(result).toMatchObject({ scratch: 'server', mode: 'strict' });
      expect(result.migrations.map(({ state }) => state)).toEqual(Array(3).fill('same'));
      expect(result.differences.map(({ kind, object, name }) => `${kind} ${object} ${name}`)).toEqual([
        'unexpected column public.projects.note',
        'different privileges table public.projects',
      ]);
      const { host, port, user, database, password = '' } = connection;
      const env = { PGHOST: host, PGPORT: String(port), PGUSER: user, PGDATABASE: database, PGPASSWORD: password };
      const { exitCode, stderr } = await structdb(['migrate', 'verify'], { env });
      expect({ exitCode, stderr }).toEqual({
        exitCode: 4,
        stderr: expect.stringContaining('Applying the migrations to a private scratch server'),
      });
      await sql(connection, async (client) => {
        expect((await client.query('select pg_is_in_recovery() as standby')).rows).toEqual([{ standby: true }]);
      });
    });
  });

  it('compares with the migrations that are applied, not with the latest', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    await migrateUp(connection, 3);
    const result = await check(connection);
    expect(result.migrations).toHaveLength(3);
    expect(result.differences).toEqual([]);
    expect(await check(await server.createOwnedDatabase())).toMatchObject({
      scratch: null,
      migrations: [],
      differences: [],
    });
  });

  it('names each thing that was changed by hand, except what is ignored', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    await migrateUp(connection);
    await sql(connection, (client) =>
      client.query(`
        alter table public.projects add column note text;
        drop index public.projects_created_by_idx;
        alter table public.project_events disable trigger project_events_refuse_change;
        create table public.alembic_version (version_num varchar(32) primary key)`),
    );
    const result = await check(connection, { ignore: ['public.alembic_version'] });
    expect(result.differences.map(describeDifference)).toEqual([
      'unexpected column public.projects.note: text',
      'missing index public.projects_created_by_idx: CREATE INDEX projects_created_by_idx ON public.projects USING btree (created_by)',
      expect.stringMatching(
        /^different trigger project_events_refuse_change on public.project_events: .*\(disabled\)$/,
      ),
    ]);
    expect(result.differences[0]).toEqual({
      object: 'column',
      name: 'public.projects.note',
      kind: 'unexpected',
      expected: null,
      found: 'text',
    });
    expect(judgeVerify(result)).toMatchObject({ code: 'SCHEMA_DIFFERS', exitCode: 4 });
  });

  it('tells an edit: any in strict mode, one of meaning in lenient mode, none where there is no checksum', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    await migrateUp(connection);
    const name = '002_enum_constraints';
    const laidOut = await edited(name, (text) => text.replaceAll('alter table', '/* again */ ALTER\n  TABLE'));
    const meant = await edited(name, (text) => text.replaceAll('archived', 'filed'));
    const stateOf = async (options: Partial<VerifyOptions>) => {
      const { migrations } = await check(connection, options);
      expect(migrations.filter((one) => one.name !== name).every(({ state }) => state === 'same')).toBe(true);
      return migrations.find((one) => one.name === name)!.state;
    };
    expect(await stateOf({ registry: laidOut })).toBe('edited');
    expect(await stateOf({ registry: laidOut, lenient: true })).toBe('same');
    expect(await stateOf({ registry: meant, lenient: true })).toBe('edited');
    await sql(connection, (client) => client.query(`delete from structdb.migrations where name = '${name}'`));
    expect(await stateOf({ registry: meant })).toBe('no checksum');
  });

  it('drops its scratch database when a migration fails in it, and after Ctrl-C', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    await migrateUp(connection, 1);
    const failing: Registry = {
      '001_core_schema': { up: async (db) => void (await statement`select 1 / 0`.execute(db)) },
    };
    await expect(check(connection, { registry: failing })).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining('do not run on an empty database'),
      hint: expect.stringContaining('nothing else was touched'),
    });
    expect(await leftOvers(connection)).toEqual([]);
    const context = testContext();
    const stopping: Registry = {
      '001_core_schema': {
        up: async (db) => {
          const sleeping = statement`select pg_sleep(60)`.execute(db);
          context.interrupt();
          await sleeping;
        },
      },
    };
    await expect(verify({ connection, places: testPlaces(), registry: stopping }, context)).rejects.toMatchObject({
      code: 'INTERRUPTED',
    });
    expect(await leftOvers(connection)).toEqual([]);
  });

  it('drops what a killed run left, once nobody can be in it any more', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    await migrateUp(connection);
    const old = `structdb_scratch_1700000000_${'0'.repeat(8)}`;
    const foreign = `structdb_scratch_1700000000_${'1'.repeat(8)}`;
    await sql(connection, (client) => client.query(`create database ${old}`));
    await server.createDatabase({ name: foreign, owner: (await server.createRole()).user });
    const url = urlOf(connection);
    const child = spawn(process.execPath, [program, 'migrate', 'verify', '--url', url], {
      stdio: 'ignore',
    });
    let left: string[] = [];
    while (left.length === 0) left = (await leftOvers(connection)).filter((name) => name !== old);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.on('close', resolve));
    const context = testContext();
    await verify({ connection, places: testPlaces() }, context);
    const after = await leftOvers(connection);
    expect(after).not.toContain(old);
    // A young one may belong to a run that is at work.
    expect(after).toEqual(left);
    const { rows } = await sql(server.superuser, (client) =>
      client.query(`select 1 from pg_database where datname = '${foreign}'`),
    );
    expect(rows).toHaveLength(1);
  });

  it('on a private server leaves nothing, and clears away what a killed run left', async () => {
    const args = (connection: ConnectionSettings) => ['migrate', 'verify', '--verbose', '--url', urlOf(connection)];
    // On the private server, whose role is a superuser, it takes longer than the test.
    const slow = `select pg_sleep(case current_setting('is_superuser') when 'on' then 600 else 0 end)`;
    const { directory: folder } = await migrationFolder({ '001_slow.sql': `-- migrate:up\n${slow};\n` });
    const killedOn = await server.createOwnedDatabase();
    await up({ connection: killedOn, registry: await loadMigrations(folder) }, testContext());
    const directoriesOf = async (pid: number) =>
      (await readdir(temporaryRoot())).filter(
        (name) => name.startsWith('structdb-verify-') && name.includes(`-${pid}-`),
      );
    let found: string[] = [];
    const killed = await structdb([...args(killedOn), '--migrations-dir', folder], {
      onStderr: (soFar, child) => {
        if (!soFar.includes('private scratch server')) return;
        // Once it is written where the server's sockets are.
        const look = async (): Promise<void> => {
          found = await directoriesOf((child as unknown as { pid: number }).pid);
          if (found.length === 0) return look();
          const files = await readdir(path.join(temporaryRoot(), `${found[0]}`), { recursive: true }).catch(() => []);
          if (!files.some((file) => path.basename(file) === 'socket-directory')) return look();
          child.kill('SIGKILL');
        };
        void look();
      },
    });
    expect(killed.exitCode).toBe(256);
    expect(found).toHaveLength(1);
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection, 1);
    const next = await structdb(args(connection));
    expect(next.exitCode).toBe(0);
    expect(next.stderr).toContain(`Removed the scratch server that a killed run left (${temporaryRoot()}/${found[0]})`);
    expect([...(await directoriesOf(killed.pid!)), ...(await directoriesOf(next.pid!))]).toEqual([]);
  });

  it('says what is missing when neither a scratch database nor a private server is possible', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection, 1);
    const places = { environment: testEnvironment({ STRUCTDB_PROGRAMS: '/nonexistent' }), directories: [] };
    await expect(check(connection, { places })).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      hint: expect.stringContaining('CREATEDB'),
    });
  });

  it('on the command line exits 0 or 4, with each difference on the screen and in the document', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    await migrateUp(connection);
    const url = urlOf(connection);
    const clean = await structdb(['migrate', 'verify', '--url', url]);
    expect(clean.exitCode).toBe(0);
    expect(clean.stdout).toBe('✓ 6 of 6 as recorded (strict)\n✓ the schema is what the applied migrations make\n');
    await sql(connection, (client) =>
      client.query('create table public.left_over (id int); create table public.tmp_1 (id int)'),
    );
    const differs = await structdb(['migrate', 'verify', '--ignore', 'public.tmp_*', '--url', url]);
    expect(differs.exitCode).toBe(4);
    expect(differs.stdout).toContain('✗ unexpected table public.left_over\n');
    expect(differs.stdout).not.toContain('tmp_1');
    const { json, exitCode } = await structdb([
      'migrate',
      'verify',
      '--lenient',
      '--json',
      '--ignore',
      'public.tmp_*',
      '--ignore',
      'public.other',
      '--url',
      url,
    ]);
    expect(exitCode).toBe(4);
    expect(json).toMatchObject({
      ok: false,
      error: { code: 'SCHEMA_DIFFERS' },
      result: {
        mode: 'lenient',
        scratch: 'database',
        differences: [
          { object: 'table', name: 'public.left_over', kind: 'unexpected', expected: null, found: 'table' },
        ],
      },
    });
    await sql(connection, (client) =>
      client.query(`drop table public.left_over, public.tmp_1;
      update structdb.migrations set checksum = repeat('0', 64) where name like '003%'`),
    );
    const changed = await structdb(['migrate', 'verify', '--url', url]);
    expect(changed.exitCode).toBe(4);
    expect(changed.stderr).toContain('structdb migrate repair 003_calibration_pricing');
  });
});
