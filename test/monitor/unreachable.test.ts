import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { findServerPrograms, type ServerPrograms, startServer, stopServer } from '../../src/postgres/cluster.ts';
import { findProgram } from '../../src/programs/find.ts';
import type { SystemUser } from '../../src/programs/run.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { testContext } from '../support/context.ts';
import { testEnvironment, testPlaces } from '../support/environment.ts';
import { numberOf } from '../support/exposition.ts';
import { prepareLoopbackServer, serverDirectory } from '../support/loopback-server.ts';
import { sql, until } from '../support/postgres.ts';
import { restartAsStandby } from '../support/standby.ts';
import { failed, newExporter, scrape } from './support.ts';

let programs: ServerPrograms;
let user: SystemUser | undefined;
let directory: string;
let dataDirectory: string;
let connection: ConnectionSettings;
let monitor: ConnectionSettings;
const held: pg.Client[] = [];

beforeAll(async () => {
  programs = await findServerPrograms(testPlaces());
  user = await serverUser(testEnvironment());
  directory = await serverDirectory('monitor', user);
  const settings = { max_connections: '10', wal_level: 'replica', shared_preload_libraries: 'pg_stat_statements' };
  const prepared = await prepareLoopbackServer({ programs, user, directory, settings });
  ({ connection, dataDirectory } = prepared);
  await prepared.start();
  await sql(connection, (client) =>
    client.query(
      `create role watcher login password 'watcher' in role pg_monitor; create extension pg_stat_statements`,
    ),
  );
  monitor = { ...connection, user: 'watcher', password: 'watcher' };
});

afterAll(async () => {
  for (const client of held) await client.end().catch(() => {});
});

const stop = () => stopServer({ programs, dataDirectory, user, mode: 'immediate' });
const start = () => startServer({ programs, dataDirectory, user, logFile: `${directory}/server.log` }, testContext());

it('a server that goes down and comes back is told, and asked again', async () => {
  const exporter = newExporter(monitor);
  expect(numberOf(await scrape(exporter), 'pg_up')).toBe(1);
  await stop();
  const down = await scrape(exporter);
  expect(numberOf(down, 'pg_up')).toBe(0);
  expect(numberOf(down, 'pg_exporter_last_scrape_error')).toBe(1);
  expect(down.has('pg_settings_max_connections')).toBe(false);
  expect(exporter.live()[0]).toMatchObject({ up: false, problems: [expect.stringContaining('nothing listens there')] });
  await start();
  const back = await scrape(exporter);
  expect(numberOf(back, 'pg_up')).toBe(1);
  expect(failed(back)).toEqual([]);
  // What was counted before the restart does not compare.
  expect(back.has('structdb_transactions_per_second')).toBe(false);
  expect((await scrape(exporter)).has('structdb_transactions_per_second')).toBe(true);

  // A restart between two scrapes costs none of them.
  await stop();
  await start();
  const after = await scrape(exporter);
  expect(numberOf(after, 'pg_up')).toBe(1);
  expect(failed(after)).toEqual([]);
});

it('a session that was ended a moment ago, unnoticed, costs no scrape', async () => {
  const exporter = newExporter(monitor);
  await scrape(exporter);
  const { path: psql } = await findProgram('psql', testPlaces());
  const end = `select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'structdb monitor'`;
  const words = ['-XAt', '-h', connection.host, '-p', String(connection.port), '-U', connection.user, '-c', end];
  // This process reads nothing meanwhile: it asks on a connection that it does not know to be gone.
  execFileSync(psql, [...words, 'postgres'], { env: { PATH: process.env.PATH, PGPASSWORD: connection.password } });
  const families = await scrape(exporter);
  expect(numberOf(families, 'pg_up')).toBe(1);
  expect(failed(families)).toEqual([]);
});

it('a server without a free connection keeps the one that is open, and refuses a new one with a reason', async () => {
  const kept = newExporter(monitor);
  await scrape(kept);
  try {
    for (;;) {
      const client = new pg.Client({ ...monitor, ssl: false });
      client.on('error', () => {});
      held.push(client);
      await client.connect();
    }
  } catch {
    // That was the last one.
  }
  const families = await scrape(kept);
  expect(failed(families)).toEqual([]);
  // The slots of superusers are not for this role, nor counted as if they were.
  expect(numberOf(families, 'structdb_connections_limit')).toBe(7);
  expect(numberOf(families, 'structdb_connection_utilisation_ratio')).toBe(1);

  const late = newExporter(monitor);
  expect(numberOf(await scrape(late), 'pg_up')).toBe(0);
  expect(late.live()[0]!.problems).toEqual([expect.stringContaining('no free connection slot')]);
  for (const client of held.splice(0)) await client.end().catch(() => {});
  await until(connection, `select 1 where (select count(*) from pg_stat_activity where usename = 'watcher') < 7`);
  expect(numberOf(await scrape(late), 'pg_up')).toBe(1);
});

it.each([
  ['a password that the server refuses', { password: 'wrong' }, /refused the password/],
  ['a database that is not there', { database: 'nowhere' }, /does not exist/],
])('%s is told from a server that is down', async (_, wrong, problem) => {
  const exporter = newExporter({ ...monitor, ...wrong });
  expect(numberOf(await scrape(exporter), 'pg_up')).toBe(0);
  expect(exporter.live()[0]).toMatchObject({ up: false, refuses: true, problems: [expect.stringMatching(problem)] });
});

it('a session that does not answer is given up in time, and no more than one takes its place', async () => {
  const exporter = newExporter(monitor, { scrapeTimeoutMs: 1500 });
  await scrape(exporter);
  const pid = await sql(connection, async (client) => {
    const { rows } = await client.query<{ pid: number }>(
      `select pid from pg_stat_activity where application_name = 'structdb monitor' order by backend_start desc limit 1`,
    );
    return rows[0]!.pid;
  });
  process.kill(pid, 'SIGSTOP');
  try {
    const families = await scrape(exporter);
    expect(numberOf(families, 'pg_up')).toBe(0);
    expect(failed(families)).toContain('stat_database');
    expect(exporter.live()[0]!.problems).toEqual(['no answer within the time of a scrape']);
    expect(numberOf(await scrape(exporter), 'pg_up')).toBe(1);
    for (let round = 0; round < 3; round += 1) await scrape(exporter);
    const { rows } = await sql(connection, (client) =>
      client.query(
        `select count(*)::int as n from pg_stat_activity where application_name = 'structdb monitor' and
        backend_start >= (select backend_start from pg_stat_activity where pid = $1)`,
        [pid],
      ),
    );
    expect(rows).toEqual([{ n: 2 }]);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until(connection, `select 1 where not exists (select from pg_stat_activity where pid = ${pid})`);
});

it('a server that takes the connection and says nothing is given up in time', async () => {
  const closed = Promise.withResolvers<void>();
  const silent = createServer((socket) => {
    socket.on('data', () => {}).on('error', () => {});
    socket.on('close', () => closed.resolve());
  });
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  try {
    const exporter = newExporter({ ...monitor, port }, { scrapeTimeoutMs: 300 });
    expect(numberOf(await scrape(exporter), 'pg_up')).toBe(0);
    expect(exporter.live()[0]).toMatchObject({
      up: false,
      refuses: false,
      problems: [expect.stringMatching(/time/)],
    });
    await closed.promise;

    // Who closes it does not wait for the rest of a scrape's time.
    const closing = newExporter({ ...monitor, port, connectTimeoutMs: 3_600_000 }, { scrapeTimeoutMs: 3_600_000 });
    const running = closing.scrape();
    await closing.close();
    expect((await running).find(({ name }) => name === 'pg_up')).toMatchObject({ value: 0 });
  } finally {
    silent.close();
  }
});

it('a standby is read as a primary is, and tells that it is one', async () => {
  await restartAsStandby(
    { dataDirectory, directory, user } as Parameters<typeof restartAsStandby>[0],
    programs,
    testContext(),
  );
  const exporter = newExporter(monitor);
  const families = await scrape(exporter);
  expect(failed(families)).toEqual([]);
  expect(numberOf(families, 'pg_replication_is_replica')).toBe(1);
  expect(numberOf(families, 'pg_replication_lag_seconds')).toBeGreaterThanOrEqual(0);
  expect(numberOf(families, 'pg_wal_lsn_location_bytes')).toBeGreaterThan(0);
  expect(exporter.live()[0]).toMatchObject({ up: true, inRecovery: true, problems: [] });
});
