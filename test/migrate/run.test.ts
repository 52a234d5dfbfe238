import { describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { codeOf } from '../../src/core/errors.ts';
import { down, plan, previewDown, to, up } from '../../src/migrate/index.ts';
import { testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { sql, useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';

const server = useServer();
const names = (await plan()).map(({ name }) => name);
/** kysely's own key: what a plain `kysely migrate` holds. */
const KYSELY_LOCK = '3853314791062309107';

async function appliedNames(connection: ConnectionSettings): Promise<string[]> {
  const { rows } = await sql(connection, (client) =>
    client.query('select name from structdb.kysely_migration order by 1'),
  );
  return rows.map(({ name }) => name as string);
}

describe('migrate up, down, to', () => {
  it('goes up all the way, by a number, down by a number, and to a name in both directions', async () => {
    const connection = await server.createOwnedDatabase();
    const context = testContext();
    expect(await up({ connection, count: 2 }, context)).toEqual({
      database: connection.database,
      steps: names.slice(0, 2).map((name) => ({ name, direction: 'up' })),
      current: names[1],
      pending: names.slice(2),
    });
    expect((await up({ connection }, context)).pending).toEqual([]);
    expect((await up({ connection }, context)).steps).toEqual([]);
    expect((await down({ connection }, context)).current).toBe(names.at(-2));
    expect((await to({ connection, name: names[2]! }, context)).steps).toEqual([
      { name: names[4], direction: 'down' },
      { name: names[3], direction: 'down' },
    ]);
    expect((await to({ connection, name: names[3]! }, context)).steps).toEqual([{ name: names[3], direction: 'up' }]);
    expect((await down({ connection, count: 99 }, context)).current).toBeNull();
  });

  it('records the SQL of each migration with its checksum, and forgets it with the migration', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection);
    const recorded = () =>
      sql(connection, (client) =>
        client.query(`select name, encode(sha256(convert_to(sql, 'UTF8')), 'hex') = checksum as same
          from structdb.migrations order by 1`),
      );
    expect((await recorded()).rows).toEqual(names.map((name) => ({ name, same: true })));
    await down({ connection, count: 6 }, testContext());
    expect((await recorded()).rows).toEqual([]);
  });

  it('two runs at once: one applies everything, the other waits and finds nothing to do', async () => {
    const connection = await server.createOwnedDatabase();
    const [a, b] = await Promise.all([up({ connection }, testContext()), up({ connection }, testContext())]);
    expect([a.steps.length, b.steps.length].sort()).toEqual([0, 6]);
    expect(await appliedNames(connection)).toEqual(names);
  });

  it('waits no longer than asked for and names who holds the lock', async () => {
    const connection = await server.createDatabase();
    await sql({ ...connection }, async (holder) => {
      await holder.query(`set application_name = 'kysely elsewhere'`);
      const { rows } = await holder.query(`select pg_advisory_lock(${KYSELY_LOCK}), pg_backend_pid() as pid`);
      const context = testContext();
      const error = await failureOf(up({ connection, lockWaitMs: 150 }, context));
      expect(error).toMatchObject({ code: 'LOCKED', exitCode: 5 });
      expect(error.message).toContain(`pid ${rows[0].pid}, application "kysely elsewhere"`);
      expect(error.message).toMatch(
        /role "postgres", connected since \d{4}-\S+, idle since \d{4}-\S+, its last statement: select pg_advisory_lock/,
      );
      expect(context.events.filter(({ kind }) => kind === 'notice')).toHaveLength(1);
    });
  });

  it('refuses a database with a migration that it does not know, and one with a gap, and touches nothing', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection, 3);
    const insert = (name: string) =>
      sql(connection, (client) =>
        client.query(`insert into structdb.kysely_migration values ($1, now()::text)`, [name]),
      );
    await insert('005_performance_monitoring');
    const gap = await failureOf(up({ connection }, testContext()));
    expect(gap).toMatchObject({ code: 'MIGRATION_ORDER', exitCode: 1 });
    expect(gap.message).toContain('005_performance_monitoring without 004_seed_data');
    await insert('999_from_the_future');
    for (const run of [up, down]) {
      const unknown = await failureOf(run({ connection }, testContext()));
      expect(unknown).toMatchObject({ code: 'MIGRATION_UNKNOWN', exitCode: 1 });
      expect(unknown.message).toContain('999_from_the_future');
    }
    expect(await appliedNames(connection)).toHaveLength(5);
  });

  it('Ctrl-C while an index waits to be built leaves what the next run finishes, the invalid index included', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection, 4);
    const context = testContext();
    await sql(connection, async (writer) => {
      await writer.query('begin');
      await writer.query(
        `insert into projects (account_id, name, created_by, updated_by) values (gen_random_uuid(), 'Open', 'a', 'a')`,
      );
      const run = failureOf(up({ connection }, context));
      await until(
        connection,
        `select from pg_stat_activity where query like 'create index concurrently%'
        and datname = current_database() and wait_event_type = 'Lock'`,
      );
      context.interrupt();
      expect(await run).toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
      await writer.query('commit');
    });
    const invalid = `select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid where not i.indisvalid`;
    expect((await sql(connection, (client) => client.query(invalid))).rows).toHaveLength(1);
    expect(await appliedNames(connection)).toHaveLength(4);
    expect((await up({ connection }, testContext())).steps).toHaveLength(2);
    expect((await sql(connection, (client) => client.query(invalid))).rows).toEqual([]);
  });

  it('an interrupted run stops before its first statement', async () => {
    const connection = await server.createDatabase();
    const context = testContext();
    context.interrupt();
    expect(await failureOf(up({ connection }, context))).toMatchObject({ code: 'INTERRUPTED' });
    expect(
      (await sql(connection, (client) => client.query(`select to_regnamespace('structdb') as made`))).rows,
    ).toEqual([{ made: null }]);
  });

  it('names the statement that failed, keeps nothing of a transactional migration, and tells the truth after it', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection, 2);
    await sql(connection, (client) => client.query('create table pricing_configs (mine int)'));
    const error = await failureOf(up({ connection }, testContext()));
    expect(error.code).toBe('MIGRATION_FAILED');
    expect(error.message).toMatch(
      /^Migration 003_calibration_pricing \(up\) failed at statement 5 of \d+: relation "pricing_configs" already exists \(SQLSTATE 42P07\)\. Nothing of it was kept\.$/,
    );
    expect(codeOf(error.cause)).toBe('42P07');
    const { rows } = await sql(connection, (client) =>
      client.query(`select to_regclass('calibration_constants') as made`),
    );
    expect(rows).toEqual([{ made: null }]);
  });
});

describe('privileges', () => {
  it('a role without CREATE on the database is told the grant', async () => {
    const connection = await server.createDatabase();
    const role = await server.createRole();
    const error = await failureOf(up({ connection: { ...connection, ...role } }, testContext()));
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED', exitCode: 1 });
    expect(error.hint).toContain(`GRANT CREATE ON DATABASE "${connection.database}" TO "${role.user}"`);
  });

  it('a role that may create but does not own the database is told so before anything is applied', async () => {
    const connection = await server.createDatabase();
    const role = await server.createRole();
    await sql(connection, async (client) => {
      await client.query(`grant create on database "${connection.database}" to "${role.user}"`);
    });
    const publicDenied = await failureOf(up({ connection: { ...connection, ...role } }, testContext()));
    expect(publicDenied.hint).toContain(`GRANT CREATE ON SCHEMA public TO "${role.user}"`);
    await sql(connection, (client) => client.query(`grant create on schema public to "${role.user}"`));
    const error = await failureOf(up({ connection: { ...connection, ...role } }, testContext()));
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(error.hint).toContain(`ALTER DATABASE "${connection.database}" OWNER TO "${role.user}"`);
    expect(
      (await sql(connection, (client) => client.query(`select to_regnamespace('structdb') as made`))).rows,
    ).toEqual([{ made: null }]);
  });
});

describe('previewDown', () => {
  it('counts what a down would lose and writes nothing', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection);
    await sql(connection, (client) =>
      client.query(`insert into projects (account_id, name, created_by, updated_by, confidence)
        values (gen_random_uuid(), 'A', 'a', 'a', 0.5), (gen_random_uuid(), 'B', 'a', 'a', null)`),
    );
    const context = testContext();
    const last = await previewDown({ connection, target: { count: 1 } }, context);
    expect(last.names).toEqual(['006_envelope_support']);
    expect(last.losses).toContainEqual({
      kind: 'column',
      migration: '006_envelope_support',
      table: 'projects',
      column: 'confidence',
      rows: 1,
    });
    const all = await previewDown({ connection, target: { count: 6 } }, context);
    expect(all.losses).toContainEqual({ kind: 'table', migration: '001_core_schema', table: 'projects', rows: 2 });
    expect((await previewDown({ connection, target: { name: '006_envelope_support' } }, context)).losses).toEqual([]);
    expect(await appliedNames(connection)).toHaveLength(6);
  });
});

async function until(connection: ConnectionSettings, query: string): Promise<void> {
  await sql({ ...connection, user: server.superuser.user, password: server.superuser.password! }, async (client) => {
    for (;;) {
      const { rowCount } = await client.query(query);
      if (rowCount! > 0) return;
      await client.query('select pg_sleep(0.02)');
    }
  });
}
