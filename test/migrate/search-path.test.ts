import { expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { previewDown, up, verify } from '../../src/migrate/index.ts';
import type { Registry } from '../../src/migrate/registry.ts';
import { findServerPrograms, withScratchCluster } from '../../src/postgres/cluster.ts';
import { testContext } from '../support/context.ts';
import { testEnvironment, testPlaces } from '../support/environment.ts';
import { statements } from '../support/migrations.ts';
import { sql } from '../support/postgres.ts';

const registry: Registry = {
  '001_rooms': statements('create table rooms (id int)', { down: 'drop table rooms' }),
  '002_doors': statements('create table doors (id int)', { down: 'drop table doors' }),
};

async function schemasOf(connection: ConnectionSettings): Promise<unknown[]> {
  const { rows } = await sql(connection, (client) =>
    client.query(`select schemaname || '.' || tablename as name from pg_tables where tablename in ('rooms', 'doors')`),
  );
  return rows.map(({ name }) => name).sort();
}

it('a role named like the schema of the books makes its tables in public, or where its own search path says', async () => {
  const context = testContext();
  const programs = await findServerPrograms(testPlaces());
  await withScratchCluster({ programs, environment: testEnvironment() }, context, async ({ connection: superuser }) => {
    await sql(superuser, async (client) => {
      await client.query('create role structdb login createdb');
      for (const name of ['usual', 'chosen']) await client.query(`create database ${name} owner structdb`);
    });
    const usual = { ...superuser, user: 'structdb', database: 'usual' };
    // The first makes schema structdb, which the second must not take for its own.
    for (const count of [1, 1]) await up({ connection: usual, registry, count }, context);
    expect(await schemasOf(usual)).toEqual(['public.doors', 'public.rooms']);
    expect((await verify({ connection: usual, registry, places: testPlaces() }, context)).differences).toEqual([]);
    const { losses } = await previewDown({ connection: usual, registry, target: { count: 2 } }, context);
    expect(losses.map((loss) => 'table' in loss && loss.table)).toEqual(['doors', 'rooms']);

    const chosen = { ...usual, database: 'chosen' };
    await sql(chosen, (client) =>
      client.query('create schema rooms_of_ours; alter database chosen set search_path to rooms_of_ours, public'),
    );
    await up({ connection: chosen, registry }, context);
    expect(await schemasOf(chosen)).toEqual(['rooms_of_ours.doors', 'rooms_of_ours.rooms']);
  });
});
