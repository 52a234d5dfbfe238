import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sql as statement } from 'kysely';
import pg from 'pg';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { kyselyOver } from '../../src/migrate/dialect.ts';
import { status, up } from '../../src/migrate/index.ts';
import { MigrationAdapter } from '../../src/migrate/lock.ts';
import type { Registry } from '../../src/migrate/registry.ts';
import { StructdbMigrator } from '../../src/migrate/run/migrator.ts';
import { connect } from '../../src/postgres/connect.ts';
import { profiles } from '../../src/postgres/profiles.ts';
import { testContext } from '../support/context.ts';
import { sql, useServer } from '../support/postgres.ts';

const server = useServer();

/** Statements that go to the server through pg, and the rows that come back. */
interface Traffic {
  queries: number;
  rows: number;
}
let traffic: Traffic;
const query = pg.Client.prototype.query;

beforeEach(() => {
  pg.Client.prototype.query = async function counted(this: pg.Client, ...args: unknown[]) {
    const result = await (query as (...all: unknown[]) => Promise<pg.QueryResult>).apply(this, args);
    // Who looks for sessions in the way asks the more the slower the machine is.
    if (nameOf(this) === profiles.probe.applicationName) return result;
    traffic.queries += 1;
    traffic.rows += result.rows?.length ?? 0;
    return result;
  } as typeof query;
});
afterEach(() => {
  pg.Client.prototype.query = query;
});

function nameOf(client: pg.Client): string {
  return (client as unknown as { connectionParameters: { application_name: string } }).connectionParameters
    .application_name;
}

async function trafficOf(work: () => Promise<unknown>): Promise<Traffic> {
  traffic = { queries: 0, rows: 0 };
  await work();
  return traffic;
}

async function databaseWith(tables: number): Promise<ConnectionSettings> {
  traffic = { queries: 0, rows: 0 };
  const connection = await server.createOwnedDatabase();
  await sql(connection, (client) =>
    client.query(`do $$ begin for n in 1..${tables} loop
      execute format('create schema tenant_%s', n); execute format('create table tenant_%s.projects (a int, b int)', n);
    end loop; end $$`),
  );
  return connection;
}

describe('what structdb migrate asks the server', () => {
  it('is the same with 10 and with 300 tables in other schemas, statements and rows', async () => {
    const [few, many] = [await databaseWith(10), await databaseWith(300)];
    const runs = [
      (connection: ConnectionSettings) => up({ connection, count: 3 }, testContext()),
      (connection: ConnectionSettings) => status({ connection }, testContext()),
      (connection: ConnectionSettings) => up({ connection }, testContext()),
      (connection: ConnectionSettings) => up({ connection }, testContext()),
    ];
    for (const run of runs) {
      const withFew = await trafficOf(() => run(few));
      expect(withFew.queries).toBeGreaterThan(0);
      expect(await trafficOf(() => run(many))).toEqual(withFew);
    }
  });

  it('is two questions for status, and for a migration of one statement at most three more around it', async () => {
    const connection = await server.createOwnedDatabase();
    const context = testContext();
    await up({ connection, count: 1 }, context);
    expect((await trafficOf(() => status({ connection }, context))).queries).toBe(2);

    const queriesFor = async (count: number) => {
      const registry: Registry = Object.fromEntries(
        Array.from({ length: count }, (_, index) => [
          String(index).padStart(3, '0'),
          { up: async (db) => void (await statement`create table ${statement.id(`t${index}`)} ()`.execute(db)) },
        ]),
      );
      const client = await connect(await server.createDatabase(), profiles.migrate);
      const { clock, signal } = context;
      const db = kyselyOver(client, new MigrationAdapter({ waitMs: 0, clock, signal, onWait: () => {} }));
      const { queries } = await trafficOf(async () => {
        const { error, results } = await new StructdbMigrator({ db, registry, context }).migrateToLatest();
        expect({ error, steps: results?.length }).toEqual({ error: undefined, steps: count });
      });
      await db.destroy();
      return queries;
    };
    // begin with its limits, the statement, both books, commit
    expect((await queriesFor(12)) - (await queriesFor(2))).toBeLessThanOrEqual(10 * 4);
  });
});
