import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { embeddedPrograms } from '../support/embedded.ts';
import type { Family } from '../support/exposition.ts';
import { numberOf } from '../support/exposition.ts';
import { startLoopbackServer } from '../support/loopback-server.ts';
import { sql } from '../support/postgres.ts';
import { failed, newExporter, scrape, whileVacuumed } from './support.ts';

let connection: ConnectionSettings;
let families: Map<string, Family>;

beforeAll(async () => {
  const settings = {
    wal_level: 'replica',
    shared_preload_libraries: 'pg_stat_statements',
    reserved_connections: '5',
    max_connections: '20',
    max_wal_senders: '2',
  };
  connection = await startLoopbackServer({ ...(await embeddedPrograms(18)), settings });
  await sql(connection, async (client) => {
    await client.query(
      'create extension pg_stat_statements; create table part as select generate_series(1, 100) as id',
    );
    await client.query('checkpoint');
    await client.query(`select pg_create_physical_replication_slot('spare', true)`);
  });
  families = await scrape(newExporter(connection));
});

describe('PostgreSQL 18', () => {
  it('is read whole', () => {
    expect(failed(families)).toEqual([]);
    expect(numberOf(families, 'pg_stat_user_tables_n_live_tup', { relname: 'part' })).toBe(100);
    expect(numberOf(families, 'structdb_connections_limit')).toBe(12);
  });

  it('has its checkpoints under the names of the checkpointer, and no others', () => {
    expect(numberOf(families, 'pg_stat_checkpointer_num_requested_total')).toBeGreaterThan(0);
    expect(numberOf(families, 'pg_stat_checkpointer_buffers_written_total')).toBeGreaterThan(0);
    expect(families.has('pg_stat_bgwriter_buffers_alloc_total')).toBe(true);
    expect(
      [...families.keys()].filter((name) => /bgwriter_(checkpoint|buffers_(backend|checkpoint))/.test(name)),
    ).toEqual([]);
  });

  it('tells who reads and writes, and what is written into the WAL', () => {
    const normal = { backend_type: 'client backend', object: 'relation', context: 'normal' };
    expect(numberOf(families, 'structdb_io_hits_total', normal)).toBeGreaterThan(0);
    expect(numberOf(families, 'structdb_io_extend_bytes_total', normal)).toBeGreaterThan(0);
    expect(numberOf(families, 'structdb_wal_records_total')).toBeGreaterThan(0);
    expect(numberOf(families, 'structdb_wal_writes_total')).toBeGreaterThan(0);
    // A kind of process that cannot do such a thing has no series of it.
    expect(families.get('structdb_io_reads_total')!.series.length).toBeLessThan(120);
  });

  it('tells how far a VACUUM is', async () => {
    await sql(connection, (client) =>
      client.query(`create table worn as select i as id, repeat('x', 400) as filler from generate_series(1, 4000) i;
        delete from worn where id % 2 = 0`),
    );
    const exporter = newExporter(connection);
    await whileVacuumed(connection, 'worn', async () => {
      const families = await scrape(exporter);
      expect(failed(families)).toEqual([]);
      const worn = { datname: connection.database, relname: 'public.worn' };
      expect(numberOf(families, 'pg_stat_progress_vacuum_heap_blks', worn)).toBeGreaterThan(100);
      expect(numberOf(families, 'pg_stat_progress_vacuum_num_dead_tuples', worn)).toBeGreaterThanOrEqual(0);
      expect(numberOf(families, 'pg_stat_progress_vacuum_phase', { ...worn, phase: 'scanning heap' })).toBe(1);
      expect(numberOf(families, 'pg_stat_progress_vacuum_phase', { ...worn, phase: 'vacuuming heap' })).toBe(0);
    });
  });

  it('tells of a slot', () => {
    expect(numberOf(families, 'pg_replication_slots_active', { slot_name: 'spare' })).toBe(0);
    expect(numberOf(families, 'pg_replication_slots_pg_wal_lsn_diff', { slot_name: 'spare' })).toBeGreaterThanOrEqual(
      0,
    );
    const status = { slot_name: 'spare', slot_type: 'physical', wal_status: 'reserved' };
    expect(numberOf(families, 'pg_replication_slots_wal_status', status)).toBe(1);
  });
});

it.each(['1.6', '1.10', '1.12'])('pg_stat_statements %s has its own columns, whatever the server', async (version) => {
  await sql(connection, async (client) => {
    await client.query('drop extension pg_stat_statements');
    await client.query(`create extension pg_stat_statements version '${version}'; select pg_stat_statements_reset()`);
    for (let call = 0; call < 3; call += 1) await client.query('select count(*) from part where id > $1', [call]);
  });
  const exporter = newExporter(connection, { statements: 30 });
  const told = await scrape(exporter);
  expect(failed(told)).toEqual([]);
  const query = 'select count(*) from part where id > $1';
  const queryid = told.get('pg_stat_statements_query_id')!.series.find(({ labels }) => labels.query === query)!.labels
    .queryid!;
  expect(numberOf(told, 'pg_stat_statements_calls_total', { queryid })! % 3).toBe(0);
  expect(numberOf(told, 'pg_stat_statements_seconds_total', { queryid })).toBeGreaterThan(0);
  expect(numberOf(told, 'pg_stat_statements_block_read_seconds_total', { queryid })).toBeGreaterThanOrEqual(0);
});
