import { describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { down, plan, up } from '../../src/migrate/index.ts';
import { testContext } from '../support/context.ts';
import { sql, useServer } from '../support/postgres.ts';
import { countProjects, fillProjects } from '../support/rows.ts';
import { picture } from '../support/schema.ts';
import { withTraffic } from '../support/traffic.ts';

const server = useServer();
const names = (await plan()).map(({ name }) => name);
const context = testContext();

describe('each migration has an exact way back', () => {
  it('for a plain owner, one step at a time, with 10,000 projects and traffic from 002 on', async () => {
    const connection = await server.createOwnedDatabase();
    const virgin = await picture(connection);
    await everyWayBack(connection, 10_000);
    // the tables go: who uses them is told so, and nobody is in a deadlock
    await withTraffic(
      connection,
      async () => void (await down({ connection, count: names.length }, context)),
      /^42P01 /,
    );
    expect(await picture(connection)).toEqual(virgin);
  });

  it('for a superuser, pg_stat_statements included', async () => {
    const connection = await server.createDatabase();
    const before = await picture(connection);
    await up({ connection }, context);
    expect((await picture(connection)).extensions).toContain('pg_stat_statements in public');
    await down({ connection, count: names.length }, context);
    expect(await picture(connection)).toEqual(before);
  });

  it('with settings, privileges and extensions that were there before', async () => {
    const connection = await server.createOwnedDatabase();
    const reader = await server.createRole();
    await sql({ ...server.superuser, database: connection.database }, async (client) => {
      await client.query('create extension btree_gist schema public');
      await client.query('create extension pg_stat_statements schema public');
      await client.query(`alter database "${connection.database}" set statement_timeout = '7s'`);
      await client.query(`alter database "${connection.database}" set work_mem = '8MB'`);
      await client.query(
        `alter default privileges for role "${connection.user}" grant select on tables to "${reader.user}"`,
      );
    });
    const before = await picture(connection);
    await up({ connection }, context);
    expect(sortedSettings(await picture(connection))).toEqual(['statement_timeout=30s', 'work_mem=8MB']);
    await down({ connection, count: names.length }, context);
    const after = await picture(connection);
    expect({ ...after, settings: sortedSettings(after) }).toEqual({ ...before, settings: sortedSettings(before) });
  });

  it('keeps the privileges that were given on the dashboard', async () => {
    const connection = await server.createOwnedDatabase();
    const reader = await server.createRole();
    await up({ connection, count: 5 }, context);
    await sql(connection, (client) =>
      client.query(`grant select on project_dashboard to "${reader.user}" with grant option`),
    );
    const before = await picture(connection);
    await up({ connection }, context);
    const readable = await sql(connection, (client) =>
      client.query(`select has_table_privilege($1, 'project_dashboard', 'select with grant option') as readable`, [
        reader.user,
      ]),
    );
    expect(readable.rows).toEqual([{ readable: true }]);
    await down({ connection }, context);
    expect(await picture(connection)).toEqual(before);
  });
});

function sortedSettings(taken: Record<string, unknown>): string[] {
  return String(taken.settings).replace(/[{}]/g, '').split(',').sort();
}

async function everyWayBack(connection: ConnectionSettings, projects: number): Promise<void> {
  for (const [index, name] of names.entries()) {
    if (index === 1) await sql(connection, (client) => fillProjects(client, projects));
    const rows = index === 0 ? {} : await sql(connection, countProjects);
    const before = await picture(connection);
    const thereAndBack = async () => {
      await up({ connection, count: 1 }, context);
      await down({ connection }, context);
    };
    await (index === 0 ? thereAndBack() : withTraffic(connection, thereAndBack));
    expect({ name, ...(await picture(connection)) }).toEqual({ name, ...before });
    if (index > 0) expect(await sql(connection, countProjects)).toMatchObject({ payloads: rows.payloads });
    await up({ connection, count: 1 }, context);
  }
}
