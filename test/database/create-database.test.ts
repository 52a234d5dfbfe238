import { describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { createDatabase } from '../../src/index.ts';
import { up } from '../../src/migrate/index.ts';
import { testContext } from '../support/context.ts';
import { sql as ask, urlOf, useServer } from '../support/postgres.ts';

const server = useServer();

describe('createDatabase', () => {
  it('gives a typed database over a bounded pool, and closes it cleanly', async () => {
    const connection = await server.createOwnedDatabase();
    await up({ connection }, testContext());
    const db = await createDatabase({ url: urlOf(connection), maxConnections: 2 });
    const sessions = () =>
      ask(server.superuser, async (client) => {
        const { rows } = await client.query('select count(*)::int as n from pg_stat_activity where datname = $1', [
          connection.database,
        ]);
        return rows[0].n as number;
      });

    await Promise.all(Array.from({ length: 8 }, () => sql`select pg_sleep(0.05)`.execute(db)));
    const names = await db.selectFrom('pricing_configs').select('item_code').execute();

    expect(names.length).toBeGreaterThan(0);
    expect(await sessions()).toBe(2);
    await db.destroy();
    await expect(db.selectFrom('projects').select('name').execute()).rejects.toThrow();
    // The server notices the end of a session a moment after the client.
    for (let tries = 0; tries < 100 && (await sessions()) > 0; tries += 1);
    expect(await sessions()).toBe(0);
  });

  it('takes the platform’s limits, and nothing from the environment', async () => {
    const connection = await server.createOwnedDatabase();
    const db = await createDatabase({ connection });

    const { rows } = await sql<{ timeout: string; name: string }>`
      select current_setting('statement_timeout') as timeout, current_setting('application_name') as name`.execute(db);
    await db.destroy();

    expect(rows).toEqual([{ timeout: '30s', name: 'structdb application' }]);
    await expect(createDatabase({ url: 'mysql://nowhere/x' })).rejects.toMatchObject({ code: 'USAGE' });
  });
});
