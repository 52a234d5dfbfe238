import { describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { compareBaseline, up } from '../../src/migrate/index.ts';
import type { Registry } from '../../src/migrate/registry.ts';
import { findServerPrograms, withScratchCluster } from '../../src/postgres/cluster.ts';
import { testContext } from '../support/context.ts';
import { testEnvironment, testPlaces } from '../support/environment.ts';
import { failureOf } from '../support/failure.ts';
import { statements } from '../support/migrations.ts';
import { withPgBouncer } from '../support/pgbouncer.ts';
import { sql, useServer } from '../support/postgres.ts';
import { describeWith } from '../support/programs.ts';
import { restartAsStandby, STANDBY_SETTINGS } from '../support/standby.ts';

const server = useServer();
const registry: Registry = {
  '001_limits': statements(
    `create table limits as select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement`,
  ),
};

async function expectUntouched(connection: ConnectionSettings): Promise<void> {
  const { rows } = await sql(connection, (client) =>
    client.query(`select to_regnamespace('structdb') as books,
      (select count(*)::int from pg_locks where locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())) as locks`),
  );
  expect(rows).toEqual([{ books: null, locks: 0 }]);
}

/** Longer than it takes until somebody looks who is in its way. */
const slow: Registry = { ...registry, '002_slow': statements(`select 'now', pg_sleep(1)`) };

describeWith(['pgbouncer'], 'PgBouncer', () => {
  it.each([
    ['transaction', {}],
    ['transaction', { server_round_robin: '1', min_pool_size: '3' }],
    ['transaction', { default_pool_size: '1' }],
    ['statement', {}],
  ])('in %s mode %j is refused in one line before anything is touched', async (mode, more) => {
    const connection = await server.createOwnedDatabase();
    await withPgBouncer(connection, { pool_mode: mode, ...more }, async (through) => {
      const error = await failureOf(up({ connection: through, registry }, testContext()));
      expect(error).toMatchObject({ code: 'POOLED_CONNECTION', exitCode: 1, details: [] });
      expect(error.message).toMatch(
        /127\.0\.0\.1:\d+.* is a pooler in transaction mode: a migration run needs one session from its begin to its end\.$/,
      );
      expect(error.hint).toContain('--url');
      await expectUntouched(connection);
    });
  });

  it('that takes no settings of a session is named, not called unreachable', async () => {
    const connection = await server.createOwnedDatabase();
    const settings = { pool_mode: 'transaction', ignore_startup_parameters: '' };
    await withPgBouncer(connection, settings, async (through) => {
      const error = await failureOf(up({ connection: through, registry }, testContext()));
      expect(error).toMatchObject({ code: 'POOLED_CONNECTION', exitCode: 1 });
      expect(error.message).toMatch(
        /is a pooler that keeps no settings of a session .*unsupported startup parameter: options/,
      );
    });
    await expectUntouched(connection);
  });

  it.each<Record<string, string>>([{}, { default_pool_size: '1' }])(
    'in session mode %j serves, with the limits of a run',
    async (more) => {
      const connection = await server.createOwnedDatabase();
      await sql(connection, (client) =>
        client.query(`alter database "${connection.database}" set statement_timeout = '30s'`),
      );
      await withPgBouncer(connection, { pool_mode: 'session', ...more }, async (through) => {
        const run = up({ connection: through, registry: slow, lockTimeoutMs: 900 }, testContext());
        expect((await run).pending).toEqual([]);
      });
      const { rows } = await sql(connection, (client) => client.query('select * from limits'));
      expect(rows).toEqual([{ lock: '900ms', statement: '0' }]);
    },
  );
});

describe('a server that takes no writes', () => {
  it('set read-only is refused in one line that says how it may be written again', async () => {
    const connection = await server.createOwnedDatabase();
    const set = (text: string) => sql(server.superuser, (client) => client.query(text));
    const database = `alter database "${connection.database}"`;
    const role = `alter role "${connection.user}"`;
    for (const alter of [database, role, `${role} in database "${connection.database}"`]) {
      await set(`${alter} set default_transaction_read_only = on`);
      const error = await failureOf(up({ connection, registry }, testContext()));
      expect(error).toMatchObject({ code: 'SERVER_READ_ONLY', exitCode: 1, details: [] });
      expect(error.message).toMatch(/ is read-only: default_transaction_read_only is on\.$/);
      const [, remedy] = /^If it may be written again: (.*)$/.exec(error.hint!) ?? [];
      expect(remedy!.toLowerCase()).toContain(alter);
      await expectUntouched(connection);
      await set(remedy!);
    }
    expect((await up({ connection, registry }, testContext())).pending).toEqual([]);
  });

  it('a standby is refused in one line', async () => {
    const context = testContext();
    const programs = await findServerPrograms(testPlaces());
    const settings = STANDBY_SETTINGS;
    await withScratchCluster({ programs, environment: testEnvironment(), settings }, context, async (cluster) => {
      await restartAsStandby(cluster, programs, context);
      const error = await failureOf(up({ connection: cluster.connection, registry }, context));
      expect(error).toMatchObject({ code: 'SERVER_READ_ONLY', exitCode: 1, details: [] });
      expect(error.message).toMatch(/ is a standby: it takes no writes\.$/);
      expect(error.hint).toBe('Give the address of the primary (--url).');
      const adopting = compareBaseline({ connection: cluster.connection, registry, name: '001' }, context);
      expect(await failureOf(adopting)).toMatchObject({ code: 'SERVER_READ_ONLY', message: error.message });
    });
  });
});
