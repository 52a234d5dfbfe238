import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { systemClock } from '../../src/core/clock.ts';
import { rememberSecret } from '../../src/core/redact.ts';
import { MonitorConnection } from '../../src/monitor/collect/connection.ts';
import { Statements } from '../../src/monitor/collect/statements.ts';
import { describeMetric } from '../../src/monitor/metrics/describe.ts';
import { renderMetrics } from '../../src/monitor/metrics/exposition.ts';
import { numberOf } from '../support/exposition.ts';
import { sql, useServer } from '../support/postgres.ts';
import { describeWith } from '../support/programs.ts';
import { failed, newExporter, scrape, whileVacuumed } from './support.ts';

const server = useServer();
let database: ConnectionSettings;
let monitor: ConnectionSettings;

beforeAll(async () => {
  database = await server.createDatabase();
  await sql(database, async (client) => {
    await client.query(`create extension pg_stat_statements;
      create table part (id int primary key, name text);
      insert into part select i, 'part ' || i from generate_series(1, 500) i;
      create materialized view parts as select count(*) from part;
      create table fleet (at date) partition by range (at);
      analyze`);
    await client.query('select name from part where id = $1', [7]);
  });
  const role = await server.createRole('in role pg_monitor');
  monitor = { ...database, ...role };
});

describe('a scrape', () => {
  it('reads all as a role that has pg_monitor and nothing else, over one connection', async () => {
    const exporter = newExporter(monitor);
    await scrape(exporter);
    const families = await scrape(exporter);
    expect(failed(families)).toEqual([]);
    expect(exporter.live()[0]).toMatchObject({ up: true, problems: [], inRecovery: false });
    expect(numberOf(families, 'pg_up')).toBe(1);
    expect(numberOf(families, 'pg_exporter_last_scrape_error')).toBe(0);
    expect(numberOf(families, 'pg_exporter_scrapes_total')).toBe(2);
    expect(numberOf(families, 'structdb_database_up', { datname: database.database })).toBe(1);
    const { rows } = await sql(database, (client) =>
      client.query(`select count(*)::int as n, min(usename) as usename from pg_stat_activity
        where application_name = 'structdb monitor' and datname = current_database()`),
    );
    expect(rows).toEqual([{ n: 1, usename: monitor.user }]);
  });

  it('tells the facts of the server under the names of postgres_exporter', async () => {
    const families = await scrape(newExporter(monitor));
    const datname = database.database;
    const table = { datname, schemaname: 'public', relname: 'part' };
    expect(numberOf(families, 'pg_stat_user_tables_n_live_tup', table)).toBe(500);
    expect(numberOf(families, 'pg_stat_user_tables_n_tup_ins', table)).toBe(500);
    expect(numberOf(families, 'pg_stat_user_tables_last_analyze', table)).toBeGreaterThan(1e9);
    expect(numberOf(families, 'pg_stat_user_tables_last_vacuum', table)).toBe(0);
    expect(numberOf(families, 'pg_settings_max_connections')).toBe(200);
    expect(numberOf(families, 'pg_settings_fsync')).toBe(0);
    expect(numberOf(families, 'pg_settings_wal_segment_size_bytes')).toBe(16 * 1024 * 1024);
    expect(numberOf(families, 'pg_settings_block_size')).toBe(8192);
    const { rows } = await sql(database, (client) =>
      client.query(`select pg_table_size('part')::float8 as part, pg_indexes_size('part')::float8 as indexes,
        pg_database_size(current_database())::float8 as size, version(),
        floor(extract(epoch from pg_postmaster_start_time()))::float8 as started, oid::text from pg_database
        where datname = current_database()`),
    );
    const [facts] = rows as [Record<string, number> & { version: string; oid: string }];
    expect(numberOf(families, 'pg_stat_user_tables_table_size_bytes', table)).toBe(facts.part);
    expect(numberOf(families, 'pg_stat_user_tables_index_size_bytes', table)).toBe(facts.indexes);
    expect(numberOf(families, 'pg_database_size_bytes', { datname })! / facts.size!).toBeCloseTo(1, 1);
    expect(Math.floor(numberOf(families, 'pg_postmaster_start_time_seconds')!)).toBe(facts.started);
    expect(numberOf(families, 'pg_static', { version: facts.version })).toBe(1);
    expect(numberOf(families, 'pg_stat_database_numbackends', { datname, datid: facts.oid })).toBeGreaterThan(0);
    // Every database has every mode and every state, also where there is none.
    const modes = families.get('pg_locks_count')!.series.filter(({ labels }) => labels.datname === datname);
    expect(modes).toHaveLength(9);
    expect(numberOf(families, 'pg_stat_activity_count', { datname, state: 'disabled' })).toBe(0);
    expect(numberOf(families, 'pg_locks_count', { datname, mode: 'accessexclusivelock' })).toBe(0);
    for (const [name, { type, help, series }] of families) {
      expect({ name, type, help }).toMatchObject(pick(name));
      for (const { labels } of series) expect(Object.keys(labels)).toEqual([...describeMetric(name).labels]);
    }
  });

  it('counts sessions and open transactions, without its own', async () => {
    const role = await server.createRole('in role pg_monitor');
    const exporter = newExporter({ ...database, ...role });
    await sql(database, async (client) => {
      await client.query('begin; lock table part in share mode');
      const families = await scrape(exporter);
      const datname = database.database;
      const own = { datname, state: 'idle in transaction' };
      expect(numberOf(families, 'pg_stat_activity_count', own)).toBe(1);
      expect(numberOf(families, 'pg_stat_activity_max_tx_duration', own)).toBeGreaterThan(0);
      expect(numberOf(families, 'pg_locks_count', { datname, mode: 'sharelock' })).toBe(1);
      expect(numberOf(families, 'structdb_connections', { state: 'idle in transaction' })).toBeGreaterThan(0);
      const ours = families.get('pg_stat_activity_count')!.series;
      expect(ours.filter(({ labels }) => labels.usename === role.user)).toEqual([]);
    });
  });

  it('measures sizes when their time has come, and what is counted each time', async () => {
    const own = await server.createDatabase();
    let later = 0;
    const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + later };
    const exporter = newExporter(own, { sizesEveryMs: 60_000, statements: 0 }, clock);
    await scrape(exporter);
    await sql(own, (client) => client.query('create table new_part (id int)'));
    const sizeOf = async () => {
      const families = await scrape(exporter);
      expect(failed(families)).toEqual([]);
      expect(numberOf(families, 'pg_stat_user_tables_seq_scan', { relname: 'new_part' })).toBe(0);
      return numberOf(families, 'pg_stat_user_tables_table_size_bytes', { relname: 'new_part' });
    };
    expect(await sizeOf()).toBeUndefined();
    later = 60_000;
    expect(await sizeOf()).toBe(0);
  });

  it('tells how far a VACUUM is', async () => {
    await sql(database, (client) =>
      client.query(`create table worn as select i as id, repeat('x', 400) as filler from generate_series(1, 4000) i;
        delete from worn where id % 2 = 0`),
    );
    const exporter = newExporter(database);
    await whileVacuumed(database, 'worn', async () => {
      const families = await scrape(exporter);
      expect(failed(families)).toEqual([]);
      const worn = { datname: database.database, relname: 'public.worn' };
      expect(numberOf(families, 'pg_stat_progress_vacuum_heap_blks', worn)).toBeGreaterThan(100);
      expect(numberOf(families, 'pg_stat_progress_vacuum_num_dead_tuples', worn)).toBeGreaterThanOrEqual(0);
      expect(numberOf(families, 'pg_stat_progress_vacuum_phase', { ...worn, phase: 'scanning heap' })).toBe(1);
      expect(numberOf(families, 'pg_stat_progress_vacuum_phase', { ...worn, phase: 'vacuuming heap' })).toBe(0);
    });
  });

  it('that comes while one runs gets its result', async () => {
    const exporter = newExporter(monitor);
    const results = await Promise.all(Array.from({ length: 10 }, () => exporter.scrape()));
    expect(new Set(results).size).toBe(1);
    expect(numberOf(await scrape(exporter), 'pg_exporter_scrapes_total')).toBe(2);
  });
});

describe('what cannot be read', () => {
  it('is told, and the rest is read: a plain role', async () => {
    const exporter = newExporter({ ...database, ...(await server.createRole()) });
    const families = await scrape(exporter);
    expect(failed(families)).toEqual(['stat_statements', 'wal']);
    expect(numberOf(families, 'pg_up')).toBe(1);
    expect(numberOf(families, 'pg_exporter_last_scrape_error')).toBe(1);
    expect(families.has('pg_stat_user_tables_seq_scan')).toBe(true);
    expect(exporter.live()[0]!.problems).toEqual([
      'wal: permission denied for function pg_ls_waldir: grant the role pg_monitor',
      "stat_statements: sees the user's own statements only: grant the role pg_monitor",
    ]);
  });

  it('is told: pg_stat_statements is not there, and comes later', async () => {
    const bare = await server.createDatabase();
    const exporter = newExporter(bare);
    expect(failed(await scrape(exporter))).toEqual(['stat_statements']);
    const [state] = exporter.live();
    expect(state!.slowQueries).toEqual([]);
    expect(state!.problems).toEqual([expect.stringMatching(/pg_stat_statements is not there: .*create extension/)]);
    await sql(bare, (client) => client.query('create extension pg_stat_statements'));
    expect(failed(await scrape(exporter))).toEqual([]);
    await sql(bare, (client) => client.query('drop extension pg_stat_statements'));
    expect(failed(await scrape(exporter))).toEqual(['stat_statements']);
    await sql(bare, (client) =>
      client.query('create schema "o""dd"; create extension pg_stat_statements schema "o""dd"'),
    );
    expect(failed(await scrape(exporter))).toEqual([]);
  });

  it('is told: a table that somebody locks whole is not measured, the others are', async () => {
    const exporter = newExporter(monitor);
    await sql(database, async (client) => {
      await client.query('begin; lock table part in access exclusive mode');
      const families = await scrape(exporter);
      const sizes = families.get('pg_stat_user_tables_table_size_bytes')!.series.map(({ labels }) => labels.relname);
      expect(sizes).toEqual(expect.arrayContaining(['fleet', 'parts']));
      expect(sizes).not.toContain('part');
      // What is counted of it is told all the same.
      expect(numberOf(families, 'pg_stat_user_tables_n_tup_ins', { relname: 'part' })).toBe(500);
      expect(failed(families)).toEqual(['table_sizes']);
      expect(exporter.live()[0]!.problems).toEqual([
        'table_sizes: not measured, because somebody locks them: public.part',
      ]);
    });
    expect(failed(await scrape(exporter))).toEqual([]);
  });

  it('is told: a question that takes too long is ended, and the rest is read', async () => {
    const slow = await server.createDatabase();
    await sql(slow, (client) =>
      client.query(`create extension pg_stat_statements;
        alter extension pg_stat_statements drop view pg_stat_statements; drop view pg_stat_statements;
        alter extension pg_stat_statements drop function pg_stat_statements(boolean);
        drop function pg_stat_statements(boolean);
        create function pg_stat_statements(boolean) returns table (userid oid, dbid oid, queryid int8, calls int8,
          total_exec_time float8, rows int8, blk_read_time float8, blk_write_time float8)
        language plpgsql as 'begin perform pg_sleep(60); end'`),
    );
    const exporter = newExporter(slow, { scrapeTimeoutMs: 5000 });
    const families = await scrape(exporter);
    expect(failed(families)).toEqual(['stat_statements']);
    expect(exporter.live()[0]!.problems).toEqual(['stat_statements: took longer than 1000 ms and was ended']);
    expect(numberOf(families, 'pg_up')).toBe(1);

    // However often it fails, nothing gathers in the session.
    const connection = await MonitorConnection.open(slow, 1000, new AbortController().signal);
    const statements = new Statements(10, systemClock);
    for (let round = 0; round < 4; round += 1)
      await expect(statements.collect(connection.ask, connection.server)).rejects.toThrow('statement timeout');
    const { rows } = await connection.ask('prepared', 'select count(*) from pg_prepared_statements');
    expect(rows).toEqual([['3']]);
    await connection.close();
  });

  it('is told: a locked catalog holds up no more than those that read it', async () => {
    const exporter = newExporter(monitor, { scrapeTimeoutMs: 10_000 });
    await scrape(exporter);
    await sql(database, async (client) => {
      await client.query('begin; lock table pg_catalog.pg_class in access exclusive mode');
      const families = await scrape(exporter);
      expect(failed(families)).toEqual(expect.arrayContaining(['stat_user_tables', 'statio_user_tables']));
      expect(failed(families)).not.toContain('stat_activity');
      expect(numberOf(families, 'pg_up')).toBe(1);
      expect(exporter.live()[0]!.problems.join('\n')).toContain('waited for a lock for 313 ms and gave up');
    });
    expect(failed(await scrape(exporter))).toEqual([]);
  });
});

describe('several databases', () => {
  it('of one server are asked each for its own, and one of them for the server', async () => {
    const other = await server.createDatabase();
    await sql(other, (client) =>
      client.query('create extension pg_stat_statements; create table part (id int); select count(*) from part'),
    );
    // Named twice: asked once.
    const exporter = newExporter([database, other, { ...database }]);
    await scrape(exporter);
    // A series that is there twice would throw.
    const families = await scrape(exporter);
    expect(failed(families)).toEqual([]);
    for (const { database: datname } of [database, other]) {
      expect(numberOf(families, 'pg_stat_user_tables_seq_scan', { datname, relname: 'part' })).toBeDefined();
      expect(numberOf(families, 'structdb_transactions_per_second', { datname })).toBeDefined();
    }
    expect(numberOf(families, 'pg_up')).toBe(1);
    expect(exporter.live().map(({ name }) => name.split(' ')[0])).toEqual([database.database, other.database]);
    const queryIds = families.get('pg_stat_statements_query_id')!.series.map(({ labels }) => labels.queryid);
    expect(new Set(queryIds).size).toBe(queryIds.length);
  });

  it('that is gone leaves the others, and the server is up', async () => {
    const exporter = newExporter([{ ...monitor, database: 'not_there' }, monitor]);
    const families = await scrape(exporter);
    expect(numberOf(families, 'pg_up')).toBe(1);
    expect(numberOf(families, 'structdb_database_up', { datname: 'not_there' })).toBe(0);
    expect(numberOf(families, 'pg_settings_max_connections')).toBe(200);
    expect(failed(families)).toEqual([]);
    expect(numberOf(families, 'pg_exporter_last_scrape_error')).toBe(1);
    const [gone, there] = exporter.live();
    expect(gone).toMatchObject({ up: false, problems: [expect.stringContaining('does not exist')] });
    expect(there).toMatchObject({ up: true, problems: [] });
  });

  it('of two servers are told apart by the label server', async () => {
    const exporter = newExporter([monitor, { ...monitor, host: 'localhost' }]);
    const families = await scrape(exporter);
    for (const host of ['127.0.0.1', 'localhost'])
      expect(numberOf(families, 'pg_up', { server: `${host}:${monitor.port}` })).toBe(1);
    const unlabelled = [...families].filter(([, { series }]) => series.some(({ labels }) => !('server' in labels)));
    expect(unlabelled.map(([name]) => name).filter((name) => !/^(pg_exporter|process)_/.test(name))).toEqual([]);
  });
});

it('tells no password: neither of the connection nor of a statement that sets one', async () => {
  rememberSecret(monitor.password);
  const wrong = { ...monitor, password: 'not-the-password' };
  const refused = newExporter(wrong);
  await scrape(refused);
  expect(refused.live()[0]).toMatchObject({ up: false, problems: [expect.stringContaining('refused the password')] });

  const own = await server.createDatabase();
  const { user } = await server.createRole();
  await sql(own, async (client) => {
    await client.query('create extension pg_stat_statements');
    await client.query(`alter role "${user}" password 'swordfish-0815'`);
  });
  const exporter = newExporter(own, { statements: 50 });
  const text = renderMetrics(await exporter.scrape(), describeMetric);
  expect(text).toContain(`alter role \\"${user}\\" password`);
  const told = text + JSON.stringify([exporter.live(), refused.live()]);
  for (const secret of ['swordfish-0815', 'not-the-password', monitor.password!]) expect(told).not.toContain(secret);
});

describeWith(['promtool'], 'promtool', () => {
  it('finds nothing to complain about but names that postgres_exporter gave', async () => {
    const exporter = newExporter(monitor);
    await exporter.scrape();
    const input = renderMetrics(await exporter.scrape(), describeMetric);
    let complaints = '';
    try {
      execFileSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
    } catch (error) {
      complaints = (error as { stderr: string; stdout: string }).stderr;
    }
    const others = complaints
      .split('\n')
      .filter((line) => line && !/^pg_\S+ .*should (not )?have "_\w+" suffix$/.test(line));
    expect(others).toEqual([]);
  });
});

function pick(name: string) {
  const { type, help } = describeMetric(name);
  return { type, help };
}
