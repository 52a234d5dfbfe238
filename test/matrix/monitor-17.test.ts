import { expect, it } from '@jest/globals';
import { serverUser } from '../../src/programs/system-user.ts';
import { failed, newExporter, scrape } from '../monitor/support.ts';
import { testEnvironment } from '../support/environment.ts';
import { numberOf } from '../support/exposition.ts';
import { serverDirectory, startLoopbackServer } from '../support/loopback-server.ts';
import { otherMajor } from '../support/other-major.ts';
import { sql } from '../support/postgres.ts';

it('monitor reads PostgreSQL 17, whose columns are between those of 15 and of 18', async () => {
  const { programs } = await otherMajor(17);
  const user = await serverUser(testEnvironment());
  const directory = await serverDirectory('monitor-17', user);
  const settings = { shared_preload_libraries: 'pg_stat_statements' };
  const connection = await startLoopbackServer({ programs, user, directory, settings });
  await sql(connection, (client) => client.query('create extension pg_stat_statements; checkpoint'));
  const families = await scrape(newExporter(connection));
  expect(failed(families)).toEqual([]);
  expect(numberOf(families, 'pg_stat_checkpointer_num_requested_total')).toBeGreaterThan(0);
  const normal = { backend_type: 'client backend', object: 'relation', context: 'normal' };
  const [extends_, bytes] = ['extends_total', 'extend_bytes_total'].map((name) =>
    numberOf(families, `structdb_io_${name}`, normal),
  );
  // Before 18 a block counts with what the server says that it has.
  expect(bytes).toBe(extends_! * 8192);
  expect(numberOf(families, 'structdb_wal_writes_total')).toBeGreaterThan(0);
});
