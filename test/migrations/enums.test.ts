import { describe, expect, it } from '@jest/globals';
import { down, up } from '../../src/migrate/index.ts';
import { testContext } from '../support/context.ts';
import { sql, useServer } from '../support/postgres.ts';
import { migrateUp } from '../support/schema.ts';

const server = useServer();

describe('002 enum_constraints', () => {
  it('refuses values that the enumerations do not have, naming each with its count, and goes on once they are corrected', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection, 1);
    await sql(connection, async (client) => {
      await client.query(`insert into projects (project_id, account_id, name, status, created_by, updated_by)
        select gen_random_uuid(), gen_random_uuid(), 'P', status, 'a', 'a'
        from unnest(array['draft', 'lost', 'lost', 'won']) as status`);
      await client.query(`insert into project_events (project_id, event_type, actor)
        select project_id, 'bid', 'a' from projects where status = 'won'`);
    });
    await expect(up({ connection, count: 1 }, testContext())).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining(
        `project_events.event_type = 'bid' × 1, projects.status = 'lost' × 2, projects.status = 'won' × 1`,
      ),
    });
    await sql(connection, async (client) => {
      await client.query(`update projects set status = 'archived' where status in ('lost', 'won')`);
      await client.query('alter table project_events disable trigger project_events_refuse_change');
      await client.query(`update project_events set event_type = 'updated'`);
      await client.query('alter table project_events enable always trigger project_events_refuse_change');
    });
    await up({ connection, count: 1 }, testContext());
    const { rows } = await sql(connection, (client) =>
      client.query('select status::text, count(*)::int from projects group by 1 order by 1'),
    );
    expect(rows).toEqual([
      { status: 'archived', count: 3 },
      { status: 'draft', count: 1 },
    ]);
  });

  it('brings text, check and default back', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection, 2);
    await down({ connection }, testContext());
    const { rows } = await sql(connection, async (client) => {
      await client.query(`insert into projects (account_id, name, created_by, updated_by)
        values (gen_random_uuid(), 'P', 'a', 'a')`);
      return client.query('select status, pg_typeof(status)::text as type from projects');
    });
    expect(rows).toEqual([{ status: 'draft', type: 'text' }]);
    await expect(sql(connection, (client) => client.query(`update projects set status = ''`))).rejects.toMatchObject({
      code: '23514',
    });
  });
});
