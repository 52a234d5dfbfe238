import { describe, expect, it } from '@jest/globals';
import { sql as text } from 'kysely';
import { renderPlan } from '../../src/cli/migrate-plan.ts';
import { readAppliedMigrations } from '../../src/database/bookkeeping.ts';
import { plan, planDatabase } from '../../src/migrate/index.ts';
import { LOCK_RULES } from '../../src/migrate/plan/lock-levels.ts';
import { relationLookup } from '../../src/migrate/plan/relation-facts.ts';
import { withReader } from '../../src/migrate/reader.ts';
import { registry } from '../../src/migrate/registry.ts';
import { testContext } from '../support/context.ts';
import { statements } from '../support/migrations.ts';
import { sql, useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';

const server = useServer();
const lockOnProjects = {
  relation: { schema: 'public', name: 'projects' },
  rule: LOCK_RULES['add column'],
  on: 'itself' as const,
};

describe('migrate plan against a database', () => {
  it('tells only what would run there, either way', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection, 4);
    const names = async (options: object) => {
      const result = await planDatabase({ connection, ...options }, testContext());
      return result.migrations.map(({ name, direction }) => `${direction} ${name.slice(0, 3)}`);
    };
    expect(await names({})).toEqual(['up 005', 'up 006']);
    expect(await names({ to: '005' })).toEqual(['up 005']);
    expect(await names({ names: ['001', '006'] })).toEqual(['up 006']);
    expect(await names({ direction: 'down' })).toEqual(['down 004']);
    expect(await names({ to: '002' })).toEqual(['down 004', 'down 003']);
    expect(await names({ to: '004' })).toEqual([]);
    await expect(names({ to: '006', direction: 'down' })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(names({ to: 'nowhere' })).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('refuses what the run would refuse', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection, 2);
    const { down: _, ...oneWay } = registry['002_enum_constraints']!;
    await expect(
      planDatabase(
        { connection, direction: 'down', registry: { ...registry, '002_enum_constraints': oneWay } },
        testContext(),
      ),
    ).rejects.toMatchObject({ code: 'MIGRATION_IRREVERSIBLE' });
    await sql(connection, (client) =>
      client.query(`insert into structdb.kysely_migration values ('777_strange', '2026-01-01T00:00:00Z')`),
    );
    await expect(planDatabase({ connection }, testContext())).rejects.toMatchObject({ code: 'MIGRATION_UNKNOWN' });
  });

  it('knows rows and sizes, with a role that may only read, while somebody has the table alone', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection, 4);
    const { user, password } = await server.createRole();
    const objects = (client: { query(text: string): Promise<{ rows: unknown[] }> }) =>
      client.query('select oid::int, xmin::text from pg_class where oid >= 16384 order by oid');
    await sql(connection, async (client) => {
      await client.query(`insert into projects (account_id, name, created_by, updated_by)
        select gen_random_uuid(), 'n', 'a', 'a' from generate_series(1, 1234)`);
      await client.query('analyze projects');
      await client.query(`grant usage on schema structdb to "${user}"`);
      await client.query(`grant select on all tables in schema public, structdb to "${user}"`);
      const before = await objects(client);
      await client.query('begin; lock table projects');
      const result = await planDatabase({ connection: { ...connection, user, password } }, testContext());
      await client.query('rollback');
      expect((await objects(client)).rows).toEqual(before.rows);
      const locks = result.migrations.flatMap(({ effects }) => effects.flatMap(({ locks }) => locks));
      const added = locks.filter(({ relation, mode }) => relation === 'public.projects' && mode === 'ACCESS EXCLUSIVE');
      expect(added[0]).toMatchObject({ rows: 1234, blocks: 'blocks reads and writes', work: 'none' });
      expect(added[0]!.sizeBytes).toBeGreaterThan(100_000);
      const built = result.migrations[0]!.statements.findIndex((statement) =>
        /create index concurrently/.test(statement),
      );
      expect(result.migrations[0]!.effects[built]!.locks).toMatchObject([
        { relation: 'public.projects', mode: 'SHARE UPDATE EXCLUSIVE', work: 'scans', rows: 1234 },
      ]);
    });
  });

  it('asks in a session that cannot write and locks nothing but catalogs, for reading', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection);
    await withReader(connection, testContext(), async ({ client, db }) => {
      await client.query('begin');
      await readAppliedMigrations(db);
      const facts = await relationLookup(client)([lockOnProjects]);
      expect(facts(lockOnProjects)).toMatchObject([{ relation: 'public.projects' }]);
      const { rows } = await client.query<{ mode: string; relation: string }>(
        `select distinct mode, relation::regclass::text from pg_locks
         where pid = pg_backend_pid() and locktype = 'relation'`,
      );
      expect(new Set(rows.map(({ mode }) => mode))).toEqual(new Set(['AccessShareLock']));
      expect(rows.map(({ relation }) => relation)).not.toContain('projects');
      await client.query('rollback');
      await expect(text`create table public.never ()`.execute(db)).rejects.toMatchObject({ code: '25006' });
    });
  });

  it('down from a database names the table of an index and the table behind a foreign key', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection);
    const { migrations } = await planDatabase({ connection, to: '001', direction: 'down' }, testContext());
    const dropped = migrations[0]!.statements.findIndex((statement) => /drop index concurrently/.test(statement));
    expect(migrations[0]!.effects[dropped]!.locks).toMatchObject([
      { relation: expect.stringMatching(/^public\.project/), mode: 'SHARE UPDATE EXCLUSIVE' },
    ]);
  });
});

describe('migrate plan from the files', () => {
  it('ends each statement, also one that ends with a comment, and keeps odd names within comments', async () => {
    const connection = await server.createDatabase();
    const texts = ['create table "odd\nname" (a int) -- the end', 'create index on "odd\nname" (a)', 'select 1'];
    const text = renderPlan(await plan({ registry: { '1_odd': statements(texts, { transaction: false }) } }));
    const results = await sql(connection, (client) => client.query(text));
    expect(results).toHaveLength(3);
  });

  it('goes to a migration and back to it', async () => {
    const names = async (options: object) => (await plan(options)).map(({ name }) => name.slice(0, 3));
    expect(await names({ to: '002' })).toEqual(['001', '002']);
    expect(await names({ to: '004', direction: 'down' })).toEqual(['006', '005']);
  });

  it('knows the table of an index and the tables of foreign keys from the other migrations', async () => {
    const migrations = {
      '1_a': statements([
        'create table a (id int primary key)',
        'create table b (id int, constraint b_a foreign key (id) references a)',
      ]),
      '2_b': statements('create index b_id on b (id)'),
      '3_c': statements(['drop index b_id', 'alter table b drop constraint b_a', 'drop table b', 'drop index other']),
    };
    const [planned] = await plan({ registry: migrations, names: ['3'] });
    expect(planned!.effects.map(({ locks }) => locks.map(({ relation }) => relation))).toEqual([
      ['b'],
      ['b', 'a'],
      ['b', 'a'],
      ['the table of index other'],
    ]);
  });
});
