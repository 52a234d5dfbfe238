import { describe, expect, it } from '@jest/globals';
import { withDatabase } from '../../src/config/connection.ts';
import { down, plan, up } from '../../src/migrate/index.ts';
import { withScratchCluster } from '../../src/postgres/cluster.ts';
import { testContext } from '../support/context.ts';
import { embeddedPrograms } from '../support/embedded.ts';
import { testEnvironment } from '../support/environment.ts';
import { structureOf } from '../support/kill.ts';
import { sql } from '../support/postgres.ts';
import { countProjects, fillProjects } from '../support/rows.ts';

describe('on PostgreSQL 18, as a plain owner', () => {
  it('each migration goes up, back exactly, and up again, with rows in place', async () => {
    const { programs } = await embeddedPrograms(18);
    const context = testContext();
    await withScratchCluster(
      { programs, environment: testEnvironment() },
      context,
      async ({ connection: superuser }) => {
        await sql(superuser, async (client) => {
          await client.query('create role plain login');
          await client.query('create database platform owner plain');
        });
        const connection = { ...withDatabase(superuser, 'platform'), user: 'plain' };
        const names = (await plan()).map(({ name }) => name);
        for (const [index, name] of names.entries()) {
          if (index === 1) await sql(connection, (client) => fillProjects(client, 500));
          const before = index === 0 ? undefined : await structureOf(connection);
          await up({ connection, count: 1 }, context);
          await down({ connection }, context);
          if (before) expect({ name, structure: await structureOf(connection) }).toEqual({ name, structure: before });
          await up({ connection, count: 1 }, context);
        }
        expect(await sql(connection, countProjects)).toEqual({ projects: 500, payloads: 500, events: 1500 });
        expect(context.events.filter(({ kind }) => kind === 'notice')).toContainEqual(
          expect.objectContaining({
            message: expect.stringContaining('pg_stat_statements is not loaded by this server'),
          }),
        );
      },
    );
  });
});
