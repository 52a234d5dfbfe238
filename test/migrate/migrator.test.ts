import { describe, expect, it } from '@jest/globals';
import { sql as statement } from 'kysely';
import { NO_MIGRATIONS } from 'kysely/migration';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { systemClock } from '../../src/core/clock.ts';
import { kyselyOver } from '../../src/migrate/dialect.ts';
import { MigrationAdapter } from '../../src/migrate/lock.ts';
import type { Registry } from '../../src/migrate/registry.ts';
import { StructdbMigrator } from '../../src/migrate/run/migrator.ts';
import { connect } from '../../src/postgres/connect.ts';
import { profiles } from '../../src/postgres/profiles.ts';
import { testContext } from '../support/context.ts';
import { useServer } from '../support/postgres.ts';

const server = useServer();

const table = (name: string) => ({
  up: (db: Parameters<Registry[string]['up']>[0]) =>
    statement`create table ${statement.id(name)} ()`.execute(db).then(() => {}),
  down: (db: Parameters<Registry[string]['up']>[0]) =>
    statement`drop table ${statement.id(name)}`.execute(db).then(() => {}),
});

async function withMigrator<T>(
  connection: ConnectionSettings,
  registry: Registry,
  work: (migrator: StructdbMigrator) => Promise<T>,
): Promise<T> {
  const client = await connect(connection, profiles.migrate);
  const { signal } = testContext();
  const db = kyselyOver(client, new MigrationAdapter({ waitMs: 0, clock: systemClock, signal, onWait: () => {} }));
  try {
    return await work(new StructdbMigrator({ db, registry, context: testContext() }));
  } finally {
    await db.destroy();
  }
}

describe('the Migrator that structdb and kysely-ctl share', () => {
  it('keeps what was applied before a failure, each migration being a transaction of its own, and says so', async () => {
    const connection = await server.createDatabase();
    const broken = {
      up: async (db: Parameters<Registry[string]['up']>[0]) => {
        await statement`create table half ()`.execute(db);
        await statement`select 1 / 0`.execute(db);
      },
    };
    await withMigrator(connection, { a: table('a'), b: broken, c: table('c') }, async (migrator) => {
      const { error, results } = await migrator.migrateToLatest();
      expect(error).toMatchObject({ code: 'MIGRATION_FAILED' });
      expect(results?.map(({ migrationName, status }) => [migrationName, status])).toEqual([
        ['a', 'Success'],
        ['b', 'Error'],
        ['c', 'NotExecuted'],
      ]);
      expect((await migrator.getMigrations()).map(({ executedAt }) => executedAt !== undefined)).toEqual([
        true,
        false,
        false,
      ]);
    });
  });

  it('takes nothing back when one of the migrations has no way back', async () => {
    const connection = await server.createDatabase();
    const registry = { a: table('a'), b: { up: table('b').up }, c: table('c') };
    await withMigrator(connection, registry, async (migrator) => {
      await migrator.migrateToLatest();
      const { error } = await migrator.migrateTo(NO_MIGRATIONS);
      expect(error).toMatchObject({ code: 'MIGRATION_IRREVERSIBLE' });
      expect((await migrator.getMigrations()).every(({ executedAt }) => executedAt !== undefined)).toBe(true);
    });
  });

  it('commits a new enum value before the migration that uses it', async () => {
    const connection = await server.createDatabase();
    const run = (text: string) => ({
      up: (db: Parameters<Registry[string]['up']>[0]) =>
        statement
          .raw(text)
          .execute(db)
          .then(() => {}),
    });
    const registry = {
      a: run(`create type light as enum ('red')`),
      b: run(`alter type light add value 'green'`),
      c: run(`create table lamps as select 'green'::light as colour`),
    };
    const { error } = await withMigrator(connection, registry, (migrator) => migrator.migrateToLatest());
    expect(error).toBeUndefined();
  });
});
