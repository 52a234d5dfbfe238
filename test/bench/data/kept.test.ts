import { beforeAll, describe, expect, it } from '@jest/globals';
import { withFilled } from '../../../src/bench/data/filled.ts';
import { dropSeeded, listSeeded, seedBench } from '../../../src/bench/data/seed.ts';
import { type ConnectionSettings, withDatabase } from '../../../src/config/connection.ts';
import { structdb } from '../../support/cli.ts';
import { testContext } from '../../support/context.ts';
import { sql, urlOf, useServer } from '../../support/postgres.ts';

const server = useServer();
const wanted = { projects: 20, seed: 1 };

async function databases(connection: ConnectionSettings): Promise<string[]> {
  return sql(connection, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select datname as name from pg_database
       where starts_with(datname, 'structdb_bench_') and pg_get_userbyid(datdba) = current_user`,
    );
    return rows.map(({ name }) => name);
  });
}

/** A run's use of the data, as far as a database. */
function use(connection: ConnectionSettings, context = testContext(), during = async () => {}) {
  const options = { connection, ...wanted, keep: false, setUp: [], runSetUp: async () => {} };
  return withFilled(options, context, async ({ connection: { database }, reused }) => {
    await during();
    return { database, reused };
  });
}

describe('data that is kept', () => {
  let connection: ConnectionSettings;
  let kept: string;
  beforeAll(async () => {
    connection = await server.createOwnedDatabase('createdb');
  });

  it('is made once, by whoever comes first, and used by those who ask for the same', async () => {
    const both = await Promise.allSettled([1, 2].map(() => seedBench({ connection, ...wanted }, testContext())));
    for (const result of both)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'LOCKED' });
    const [only, ...others] = await listSeeded(connection, testContext());
    expect(others).toEqual([]);
    expect(only).toMatchObject({ ...wanted, payloads: 20, events: 60, inUse: false });
    kept = only!.database;
    const context = testContext();
    expect(await use(connection, context)).toEqual({ database: kept, reused: true });
    expect(context.events).toContainEqual(
      expect.objectContaining({ kind: 'notice', message: expect.stringContaining(`Using ${kept}, kept since`) }),
    );
    const again = await seedBench({ connection, ...wanted }, testContext());
    expect(again).toMatchObject([{ database: kept, reused: true }]);
    expect(await databases(connection)).toEqual([kept]);
  });

  it('is not used twice at once, nor dropped meanwhile', async () => {
    await use(connection, testContext(), async () => {
      await expect(use(connection)).rejects.toMatchObject({ code: 'LOCKED' });
      const run = await structdb(['bench', 'seed', '--drop', '--url', urlOf(connection)]);
      expect(run.exitCode).toBe(5);
      expect(run.stderr).toContain(`Somebody works in ${kept}`);
    });
    expect(await databases(connection)).toEqual([kept]);
  });

  it('is another for another seed, and for other SQL after loading; what fails is not kept', async () => {
    const afterLoad = 'select 1;\n\ndrop index projects_customer_idx;\ndrop index projects_customer_idx;';
    await expect(seedBench({ connection, ...wanted, afterLoad }, testContext())).rejects.toMatchObject({
      code: 'SQL_FAILED',
      message: expect.stringMatching(/after loading, line 4: index "projects_customer_idx" does not exist/),
    });
    await expect(seedBench({ connection, ...wanted, afterLoad: "select 'a" }, testContext())).rejects.toMatchObject({
      code: 'USAGE',
    });
    expect(await databases(connection)).toEqual([kept]);
  });

  it('is not used when its schema was changed, and listed and dropped by name; others’ databases are left alone', async () => {
    await sql(withDatabase(connection, kept), (client) => client.query('drop index projects_customer_idx'));
    const context = testContext();
    const { database, reused } = await use(connection, context);
    expect([database === kept, reused]).toEqual([false, false]);
    expect(context.events).toContainEqual(
      expect.objectContaining({ kind: 'warning', message: expect.stringContaining(`${kept} was changed`) }),
    );
    const precious = 'structdb_bench_precious';
    await sql(connection, (client) => client.query(`create database ${precious}`));
    const list = await structdb(['bench', 'seed', '--list', '--json', '--url', urlOf(connection)]);
    expect(list.json.result.kept).toMatchObject([{ database: kept, projects: 20 }]);
    await expect(dropSeeded({ connection, database: precious }, testContext())).rejects.toMatchObject({
      code: 'DATABASE_MISSING',
    });
    const drop = await structdb(['bench', 'seed', '--drop', kept, '--url', urlOf(connection)]);
    expect(drop.stdout).toContain(`Dropped ${kept}: 20 projects`);
    expect(await databases(connection)).toEqual([precious]);
    await sql(connection, (client) => client.query(`drop database ${precious}`));
  });

  it.each([
    [['--list', '--drop'], 'three different things'],
    [['--drop', '--scale', '10k'], 'three different things'],
    [['--after-load', 'nowhere.sql'], 'There is no file nowhere.sql'],
  ])('refuses bench seed %j', async (flags, message) => {
    const run = await structdb(['bench', 'seed', ...flags, '--url', 'postgres://nobody@127.0.0.1:1/x']);
    expect([1, 2]).toContain(run.exitCode);
    expect(run.stderr).toContain(message);
  });
});
