import { describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { up } from '../../src/migrate/index.ts';
import type { Registry } from '../../src/migrate/registry.ts';
import { structdb } from '../support/cli.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { statements } from '../support/migrations.ts';
import { sql, until, urlOf, useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';

const server = useServer();

const query = async (connection: ConnectionSettings, text: string) =>
  (await sql(connection, (client) => client.query(text))).rows;
const indexesOf = (connection: ConnectionSettings) =>
  query(
    connection,
    `select relname as name, indisvalid as valid from pg_index join pg_class c on c.oid = indexrelid
     join pg_namespace n on n.oid = relnamespace where nspname in ('public', 'Büro') order by 1`,
  );
const told = ({ events }: TestContext, kind: 'notice' | 'warning') =>
  events.flatMap((event) => (event.kind === kind ? [event] : []));
const appliedNames = async (connection: ConnectionSettings) =>
  (await query(connection, 'select name from structdb.kysely_migration order by 1')).map(({ name }) => name);

const TABLE = '"Büro"."Maß ""1"""';
const concurrent = { transaction: false, lockTimeout: '0' };
const registry: Registry = {
  '001_table': statements([
    'create schema "Büro"',
    `create table ${TABLE} (größe int)`,
    `insert into ${TABLE} values (1), (1)`,
  ]),
  '002_index': statements(
    `create unique index concurrently if not exists "Größe ""eins""" on ${TABLE} (größe)`,
    concurrent,
  ),
};

describe('an index that a failed build left invalid', () => {
  it('is named, dropped and built anew, also when the migration says IF NOT EXISTS', async () => {
    const connection = await server.createOwnedDatabase();
    const failed = await failureOf(up({ connection, registry }, testContext()));
    expect(failed.message).toMatch(/002_index .* could not create unique index .*\(SQLSTATE 23505\)/);
    expect(await indexesOf(connection)).toEqual([{ name: 'Größe "eins"', valid: false }]);

    await query(connection, `delete from ${TABLE} where ctid = '(0,2)'`);
    const context = testContext();
    expect((await up({ connection, registry }, context)).steps).toEqual([{ name: '002_index', direction: 'up' }]);
    expect(await indexesOf(connection)).toEqual([{ name: 'Größe "eins"', valid: true }]);
    expect(told(context, 'notice').map(({ message }) => message)).toEqual([
      'Index "Büro"."Größe ""eins""" is invalid, because a build of it did not end: dropping it, 002_index builds it anew',
    ]);
  });

  it('stays when no migration of this run builds it: it is warned of, with the command that helps', async () => {
    const connection = await server.createOwnedDatabase();
    await failureOf(up({ connection, registry }, testContext()));
    await query(connection, `create unique index concurrently other on ${TABLE} (größe)`).catch(() => {});
    await query(connection, `reindex index concurrently "Büro"."other"`).catch(() => {});
    const context = testContext();
    const first: Registry = { ...registry, '001_then': statements('select 1') };
    await up({ connection, registry: first, count: 1 }, context).catch(() => {});
    const hints = told(context, 'warning').map(({ hint }) => hint);
    expect(hints).toEqual([
      'REINDEX INDEX CONCURRENTLY "Büro"."Größe ""eins"""',
      'REINDEX INDEX CONCURRENTLY "Büro"."other"',
      'DROP INDEX CONCURRENTLY "Büro"."other_ccnew"',
    ]);
    expect((await indexesOf(connection)).map(({ name }) => name)).toHaveLength(3);
  });

  it('is left to the session that builds it right now', async () => {
    const connection = await server.createOwnedDatabase();
    await up({ connection, registry, count: 1 }, testContext());
    await query(connection, `delete from ${TABLE}`);
    await sql(connection, async (writer) => {
      await writer.query('begin');
      await writer.query(`insert into ${TABLE} values (7)`);
      const build = query(connection, `create unique index concurrently "Größe ""eins""" on ${TABLE} (größe)`);
      await until(connection, 'select from pg_index where not indisvalid');
      const error = await failureOf(up({ connection, registry }, testContext()));
      expect(error).toMatchObject({ code: 'LOCKED', exitCode: 5 });
      expect(error.message).toMatch(/which 002_index creates, is being built by another session: pid \d+\.$/);
      await writer.query('commit');
      await build;
    });
    expect(await indexesOf(connection)).toEqual([{ name: 'Größe "eins"', valid: true }]);
    expect((await up({ connection, registry }, testContext())).pending).toEqual([]);
  });
});

describe('kill -9', () => {
  it('in the middle of a transactional migration leaves nothing of it; the next run applies it', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection, 2);
    await sql(connection, async (holder) => {
      // 003 has run all its statements, and waits to be recorded.
      await holder.query('begin');
      await holder.query('lock table structdb.migrations in exclusive mode');
      await killedWhile(connection, `wait_event_type = 'Lock' and application_name = 'structdb migrate'`);
      await holder.query('rollback');
    });
    expect(await appliedNames(connection)).toHaveLength(2);
    expect(await query(connection, `select to_regclass('calibration_constants') as made`)).toEqual([{ made: null }]);
    expect((await structdb(['migrate', 'up', '--json', '--url', urlOf(connection)])).json).toMatchObject({
      ok: true,
      result: { pending: [] },
    });
  });

  it('in the middle of a concurrent index build leaves an invalid index; the next run builds it', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection, 4);
    await sql(connection, async (writer) => {
      await writer.query('begin');
      await writer.query(
        `insert into projects (account_id, name, created_by, updated_by) values (gen_random_uuid(), 'Open', 'a', 'a')`,
      );
      await killedWhile(connection, `wait_event_type = 'Lock' and query like 'create index concurrently%'`);
      // The server sees that the client is gone, although the build still waits.
      await until(
        connection,
        `select where not exists (select from pg_stat_activity
           where datname = current_database() and application_name = 'structdb migrate')`,
      );
      await writer.query('commit');
    });
    expect((await indexesOf(connection)).filter(({ valid }) => !valid)).toHaveLength(1);
    const next = await structdb(['migrate', 'up', '--url', urlOf(connection)]);
    expect(next.exitCode).toBe(0);
    expect(next.stderr).toContain(
      'ℹ Index "public"."projects_account_id_status_updated_at_idx" is invalid, because a build of it did not end: dropping it, 005_performance_monitoring builds it anew',
    );
    expect((await indexesOf(connection)).filter(({ valid }) => !valid)).toEqual([]);
    expect(await appliedNames(connection)).toHaveLength(6);
  });
});

/** Runs `migrate up` as a process and kills it once its session does what the condition says. */
async function killedWhile(connection: ConnectionSettings, condition: string): Promise<void> {
  let reached: Promise<void> | undefined;
  const run = structdb(['migrate', 'up', '--verbose', '--url', urlOf(connection)], {
    onStderr: (_soFar, child) => {
      reached ??= until(
        connection,
        `select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and ${condition}`,
      ).then(() => child.kill('SIGKILL'));
    },
  });
  expect((await run).exitCode).toBe(256);
  await reached;
}
