import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import {
  findServerPrograms,
  freePort,
  type ServerPrograms,
  startServer,
  stopServer,
} from '../../src/postgres/cluster.ts';
import { findProgram } from '../../src/programs/find.ts';
import type { SystemUser } from '../../src/programs/run.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { testContext } from '../support/context.ts';
import { testEnvironment, testPlaces } from '../support/environment.ts';
import { numberOf } from '../support/exposition.ts';
import { prepareLoopbackServer, serverDirectory } from '../support/loopback-server.ts';
import { sql, until } from '../support/postgres.ts';
import { failed, newExporter, scrape } from './support.ts';

let programs: ServerPrograms;
let user: SystemUser | undefined;
let primary: ConnectionSettings;
let standby: ConnectionSettings;
let copy: string;

beforeAll(async () => {
  programs = await findServerPrograms(testPlaces());
  user = await serverUser(testEnvironment());
  const directory = await serverDirectory('monitor-primary', user);
  const settings = { wal_level: 'replica', max_wal_senders: '4', max_replication_slots: '4' };
  const prepared = await prepareLoopbackServer({ programs, user, directory, settings });
  primary = prepared.connection;
  await prepared.start();
  await sql(primary, (client) => client.query(`select pg_create_physical_replication_slot('spare', true)`));
  const { path: baseBackup } = await findProgram('pg_basebackup', testPlaces(), { atLeast: 15 });
  copy = path.join(directory, 'copy');
  const words = ['-D', copy, '-h', primary.host, '-p', String(primary.port), '-U', primary.user, '-R', '-c', 'fast'];
  execFileSync(baseBackup, [...words, '-C', '-S', 'standby'], {
    env: { PATH: process.env.PATH, PGPASSWORD: primary.password },
    ...user,
  });
  standby = { ...primary, port: await freePort() };
  const own = { programs, dataDirectory: copy, user, logFile: path.join(directory, 'copy.log') };
  await startServer({ ...own, settings: { port: String(standby.port) } }, testContext());
});

afterAll(() => stopServer({ programs, dataDirectory: copy, user, mode: 'immediate' }));

it('a primary tells of its standbys and slots, a standby of what it receives', async () => {
  // A standby that streams has not yet told how far it is.
  await until(primary, `select 1 from pg_stat_replication where state = 'streaming' and replay_lsn is not null`);
  const exporter = newExporter([primary, standby], { statements: 0 });
  const families = await scrape(exporter);
  expect(failed(families)).toEqual([]);
  const [first, second] = [primary, standby].map(({ host, port }) => ({ server: `${host}:${port}` }));
  expect(numberOf(families, 'pg_replication_is_replica', first)).toBe(0);
  expect(numberOf(families, 'pg_replication_is_replica', second)).toBe(1);

  const receiver = { ...first, slot_name: 'standby', state: 'streaming', client_addr: '127.0.0.1' };
  expect(numberOf(families, 'pg_stat_replication_pg_wal_lsn_diff', receiver)).toBeGreaterThanOrEqual(0);
  expect(numberOf(families, 'structdb_replication_replay_lag_seconds', receiver)).toBeGreaterThanOrEqual(0);
  expect(numberOf(families, 'pg_replication_slots_active', { ...first, slot_name: 'standby' })).toBe(1);
  expect(numberOf(families, 'pg_replication_slots_active', { ...first, slot_name: 'spare' })).toBe(0);
  const spare = { ...first, slot_name: 'spare', slot_type: 'physical', wal_status: 'reserved' };
  expect(numberOf(families, 'pg_replication_slots_wal_status', spare)).toBe(1);

  const upstream = { ...second, upstream_host: primary.host, slot_name: 'standby' };
  expect(numberOf(families, 'pg_stat_wal_receiver_status', upstream)).toBe(2);
  expect(numberOf(families, 'pg_stat_wal_receiver_flushed_lsn', upstream)).toBeGreaterThan(0);
  expect(exporter.live().map(({ up, inRecovery }) => ({ up, inRecovery }))).toEqual([
    { up: true, inRecovery: false },
    { up: true, inRecovery: true },
  ]);
});
