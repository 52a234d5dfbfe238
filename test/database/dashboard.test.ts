import { describe, expect, it } from '@jest/globals';
import { refreshDashboard } from '../../src/database/dashboard.ts';
import { testContext } from '../support/context.ts';
import { sql, useServer } from '../support/postgres.ts';
import { fillProjects } from '../support/rows.ts';
import { migrateUp } from '../support/schema.ts';

const server = useServer();

describe('dashboard refresh', () => {
  it('shows what was written since, while readers go on, and remembers when', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection);
    await sql(connection, (client) => fillProjects(client, 500));
    await sql(connection, async (reader) => {
      await reader.query('begin');
      await reader.query('select count(*) from project_dashboard');
      const first = await refreshDashboard({ connection }, testContext());
      expect(first).toMatchObject({ concurrently: true, previousRefreshAt: null });
      const second = await refreshDashboard({ connection }, testContext());
      expect(second.previousRefreshAt).toBe(first.refreshedAt);
      await reader.query('commit');
    });
    const { rows } = await sql(connection, (client) =>
      client.query(`select sum(project_count)::int as projects, min(mean_confidence)::float as confidence,
        bool_and(d.last_activity = (select max(greatest(p.updated_at, e.occurred_at)) from projects p
          join project_events e using (project_id)
          where p.account_id = d.account_id and p.status = d.status
            and date_trunc('month', p.created_at at time zone 'UTC')::date = d.month)) as activity
        from project_dashboard d`),
    );
    expect(rows).toEqual([{ projects: 500, confidence: 0.5, activity: true }]);
  });

  it('fills a view that was restored empty', async () => {
    const connection = await server.createDatabase();
    await migrateUp(connection);
    await sql(connection, (client) => client.query('refresh materialized view project_dashboard with no data'));
    expect(await refreshDashboard({ connection }, testContext())).toMatchObject({ concurrently: false });
    expect(await refreshDashboard({ connection }, testContext())).toMatchObject({ concurrently: true });
  });

  it('leaves it to a refresh that is under way, and names it', async () => {
    const connection = await server.createOwnedDatabase();
    await migrateUp(connection);
    await sql(connection, async (reader) => {
      await reader.query(`set application_name = 'the other refresh'`);
      await reader.query('select pg_advisory_lock(7233183992393822820)');
      await expect(refreshDashboard({ connection }, testContext())).rejects.toMatchObject({
        code: 'LOCKED',
        exitCode: 5,
        message: expect.stringMatching(
          /^project_dashboard is being refreshed by pid \d+ \(the other refresh\) since \d{4}-/,
        ),
      });
    });
  });

  it('says what to do before the view is there, and whom to ask when it is not ours', async () => {
    const connection = await server.createDatabase();
    await expect(refreshDashboard({ connection }, testContext())).rejects.toMatchObject({
      code: 'SCHEMA_MISSING',
      hint: 'Run: structdb migrate up',
    });
    await migrateUp(connection);
    const role = await server.createRole();
    await expect(refreshDashboard({ connection: { ...connection, ...role } }, testContext())).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
    });
  });
});
