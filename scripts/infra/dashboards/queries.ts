import { m } from '../metric-name.ts';
import { dashboard } from './dashboard.ts';
import { DATABASE, graph, INSTANCE, table } from './panels.ts';
import { slowQueries } from './slow-queries.ts';

const statement = 'sum by (datname, queryid)';
const rate = (name: Parameters<typeof m>[0]) => `rate(${m(name, DATABASE)}[$__rate_interval])`;
const grown = (name: Parameters<typeof m>[0]) => `increase(${m(name, DATABASE)}[$__range])`;
const byTable = 'sum by (datname, schemaname, relname)';

/** What the statements take, which tables they read how, and what they wait for. */
export function queries(): unknown {
  return dashboard({
    uid: 'structdb-queries',
    title: 'structdb: queries',
    description: 'What statements take, which tables they read and how, what they wait for; and the last benchmark.',
    byDatabase: true,
    panels: [
      table({
        title: 'Queries that take the most time together',
        description: 'Mean times number of calls, in the range of the dashboard.',
        alerts: ['StructdbSlowQuery'],
        ...slowQueries('total'),
        width: 24,
        height: 9,
      }),
      graph({
        title: 'Time by query',
        description: 'Seconds of execution in each second, by query: more than one is more than one session at work.',
        queries: [
          {
            expr: `topk(10, ${statement} (${rate('pg_stat_statements_seconds_total')}))`,
            legend: '{{datname}} {{queryid}}',
          },
        ],
        stacked: true,
        unit: 'short',
        min: 0,
        width: 12,
        height: 8,
      }),
      graph({
        title: 'Mean time by query',
        description: 'Of the queries that ran.',
        alerts: ['StructdbSlowQuery'],
        queries: [
          {
            expr: `topk(10, ${statement} (${rate('pg_stat_statements_seconds_total')}) / (${statement} (${rate('pg_stat_statements_calls_total')}) > 0))`,
            legend: '{{datname}} {{queryid}}',
          },
        ],
        unit: 's',
        min: 0,
        width: 12,
        height: 8,
      }),
      graph({
        title: 'Calls by query',
        description: 'Per second.',
        queries: [
          {
            expr: `topk(10, ${statement} (${rate('pg_stat_statements_calls_total')}))`,
            legend: '{{datname}} {{queryid}}',
          },
        ],
        unit: 'ops',
        min: 0,
        width: 12,
        height: 8,
      }),
      graph({
        title: 'Time for reading blocks',
        description: 'Seconds in each second; zero unless track_io_timing is on.',
        queries: [
          {
            expr: `${statement.replace(', queryid', '')} (${rate('pg_stat_statements_block_read_seconds_total')})`,
            legend: '{{datname}}',
          },
        ],
        unit: 'short',
        min: 0,
        width: 12,
        height: 8,
      }),
      table({
        title: 'Tables that are read whole',
        description:
          'By rows read by sequential scans, in the range of the dashboard. Large tables here lack an index.',
        alerts: ['StructdbIndexHitRateLow'],
        queries: [
          { expr: `topk(20, ${byTable} (${grown('pg_stat_user_tables_seq_tup_read')}))` },
          { expr: `${byTable} (${grown('pg_stat_user_tables_seq_scan')})` },
          { expr: `${byTable} (${grown('pg_stat_user_tables_idx_scan')})` },
          { expr: `${byTable} (${m('pg_stat_user_tables_n_live_tup', DATABASE)})` },
        ],
        columns: [
          { field: 'datname', heading: 'Database' },
          { field: 'relname', heading: 'Table' },
          { field: 'Value #A', heading: 'Rows read by scans', unit: 'short' },
          { field: 'Value #B', heading: 'Scans of the whole', unit: 'short' },
          { field: 'Value #C', heading: 'Scans by index', unit: 'short' },
          { field: 'Value #D', heading: 'Rows', unit: 'short' },
        ],
        sortBy: 'Rows read by scans',
        width: 24,
        height: 9,
      }),
      graph({
        title: 'Rows',
        description: 'Per second: gone over by scans, fetched by index, inserted, updated, deleted.',
        queries: [
          { expr: `sum(${rate('pg_stat_database_tup_returned')})`, legend: 'returned' },
          { expr: `sum(${rate('pg_stat_database_tup_fetched')})`, legend: 'fetched by index' },
          { expr: `sum(${rate('pg_stat_database_tup_inserted')})`, legend: 'inserted' },
          { expr: `sum(${rate('pg_stat_database_tup_updated')})`, legend: 'updated' },
          { expr: `sum(${rate('pg_stat_database_tup_deleted')})`, legend: 'deleted' },
        ],
        unit: 'ops',
        min: 0,
        width: 12,
        height: 8,
      }),
      graph({
        title: 'Locks',
        description: 'By mode. accessexclusivelock keeps everybody else away.',
        queries: [{ expr: `sum by (mode) (${m('pg_locks_count', DATABASE)})`, legend: '{{mode}}' }],
        unit: 'short',
        min: 0,
        width: 12,
        height: 8,
      }),
      graph({
        title: 'What sessions wait for',
        description: 'Active sessions by kind of wait; none is work on the processor.',
        queries: [
          {
            expr: `sum by (wait_event_type) (${m('pg_stat_activity_count', `${DATABASE},state="active"`)})`,
            legend: '{{wait_event_type}}',
          },
        ],
        stacked: true,
        unit: 'short',
        min: 0,
        width: 8,
        height: 8,
      }),
      graph({
        title: 'Longest transactions',
        description: 'Age of the oldest transaction by state.',
        alerts: ['StructdbLongTransaction', 'StructdbIdleInTransaction'],
        queries: [{ expr: `max by (state) (${m('pg_stat_activity_max_tx_duration', DATABASE)})`, legend: '{{state}}' }],
        unit: 's',
        min: 0,
        width: 8,
        height: 8,
      }),
      graph({
        title: 'Trouble',
        description: 'Per minute: deadlocks, conflicts with recovery, rolled back transactions, temporary files.',
        alerts: ['StructdbDeadlocks'],
        queries: [
          { expr: `60 * sum(${rate('pg_stat_database_deadlocks')})`, legend: 'deadlocks' },
          { expr: `60 * sum(${rate('pg_stat_database_conflicts')})`, legend: 'conflicts' },
          { expr: `60 * sum(${rate('pg_stat_database_xact_rollback')})`, legend: 'rolled back' },
          { expr: `60 * sum(${rate('pg_stat_database_temp_files')})`, legend: 'temporary files' },
        ],
        unit: 'short',
        min: 0,
        width: 8,
        height: 8,
      }),
      table({
        title: 'Last benchmark',
        description: '95th percentile of each query and the target of its class. More: structdb bench report.',
        alerts: ['StructdbBenchMissed'],
        queries: [
          { expr: `max by (query, class) (${m('structdb_bench_p95_seconds', INSTANCE)})` },
          {
            expr: `max by (query, class) (${m('structdb_bench_p95_seconds', INSTANCE)}) / on (class) group_left () max by (class) (${m('structdb_bench_target_seconds', INSTANCE)})`,
          },
        ],
        columns: [
          { field: 'query', heading: 'Query' },
          { field: 'class', heading: 'Class' },
          { field: 'Value #A', heading: 'p95', unit: 's' },
          { field: 'Value #B', heading: 'Of its target', unit: 'percentunit' },
        ],
        sortBy: 'Of its target',
        width: 24,
        height: 9,
      }),
    ],
  });
}
