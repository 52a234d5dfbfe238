import { m } from '../metric-name.ts';
import { type AlertGroup, DB_LABELS, series } from './alert.ts';

const statement = 'user="web",datname="app",queryid="42"';
const table = 'datname="app",schemaname="public",relname="projects"';

/** Of blocks per second: what a quiet database reads says nothing about its memory. */
const ENOUGH_BLOCKS = 100;

function hitRate(hit: Parameters<typeof m>[0], read: Parameters<typeof m>[0], objective: string): string {
  const rate = (name: typeof hit) =>
    `sum by (job, instance, datname) (rate(${m(name, 'datname!~"template.*|"')}[15m]))`;
  return `(${rate(hit)} / (${rate(hit)} + ${rate(read)})) < on (job, instance) group_left () ${m('structdb_objective_ratio', `name="${objective}"`)} and (${rate(hit)} + ${rate(read)}) > ${ENOUGH_BLOCKS}`;
}

export const speedAlerts: AlertGroup = {
  name: 'structdb-speed',
  title: 'Speed',
  alerts: [
    {
      name: 'StructdbSlowQuery',
      severity: 'warning',
      expr: `sum by (job, instance, datname, queryid) (rate(${m('pg_stat_statements_seconds_total')}[10m])) / sum by (job, instance, datname, queryid) (rate(${m('pg_stat_statements_calls_total')}[10m])) > 1 and sum by (job, instance, datname, queryid) (rate(${m('pg_stat_statements_calls_total')}[10m])) > 0.05`,
      for: '10m',
      says: {
        summary:
          'The query {{ $labels.queryid }} in {{ $labels.datname }} takes {{ $value | humanizeDuration }} on average.',
        description:
          'Its text is in the panel "Top 10 slow queries" and in pg_stat_statements. Try its plan: explain (analyze, buffers)',
      },
      means: 'A statement that runs more than thirty times in ten minutes takes more than a second on average.',
      look: 'the panel "Top 10 slow queries"; `select query from pg_stat_statements where queryid = <id>`; `explain (analyze, buffers)` of it',
      fix: 'an index (`structdb bench` with a suite of your own proves it: [suites](bench-suites.md)), fresher statistics (`analyze`), or less work per statement',
      proof: {
        series: {
          [series('pg_stat_statements_seconds_total', statement)]: '0+6x10 60+120x20 2460+0x30',
          [series('pg_stat_statements_calls_total', statement)]: '0+60x30 1800+0x30',
        },
        quiet: ['10m', '12m'],
        fires: {
          at: '30m',
          labels: { ...DB_LABELS, datname: 'app', queryid: '42' },
          summary: 'The query 42 in app takes 2s on average.',
          description:
            'Its text is in the panel "Top 10 slow queries" and in pg_stat_statements. Try its plan: explain (analyze, buffers)',
        },
        clears: '55m',
      },
    },
    {
      name: 'StructdbCacheHitRateLow',
      severity: 'warning',
      expr: hitRate('pg_stat_database_blks_hit', 'pg_stat_database_blks_read', 'cache_hit'),
      for: '15m',
      says: {
        summary: '{{ $value | humanizePercentage }} of the block reads of {{ $labels.datname }} come from memory.',
        description:
          'Less than objectives.cacheHitRate. See which queries read: the dashboard "Queries"; more shared_buffers, or fewer rows read.',
      },
      means:
        'For 15 minutes more blocks than promised were not in `shared_buffers` (`objectives.cacheHitRate`, 99 %), at more than a hundred blocks a second.',
      look: 'the dashboard "Queries": time for reading blocks, tables that are read whole; a restart or a backup a moment ago explains it',
      fix: 'an index for what is read whole; `shared_buffers` at a quarter of the memory; `structdb bench` shows the rates by query',
      proof: {
        series: {
          [series('pg_stat_database_blks_hit', 'datid="16384",datname="app"')]:
            '0+60000x20 1200000+6000x50 1500000+60000x60',
          [series('pg_stat_database_blks_read', 'datid="16384",datname="app"')]: '0+60x20 1200+6000x50 301200+60x60',
          [series('structdb_objective_ratio', 'name="cache_hit"')]: '0.99x140',
        },
        quiet: ['15m', '25m'],
        fires: {
          at: '60m',
          labels: { ...DB_LABELS, datname: 'app' },
          summary: '50% of the block reads of app come from memory.',
          description:
            'Less than objectives.cacheHitRate. See which queries read: the dashboard "Queries"; more shared_buffers, or fewer rows read.',
        },
        clears: '95m',
      },
    },
    {
      name: 'StructdbIndexHitRateLow',
      severity: 'warning',
      expr: hitRate('pg_statio_user_tables_idx_blocks_hit', 'pg_statio_user_tables_idx_blocks_read', 'index_hit'),
      for: '15m',
      says: {
        summary:
          '{{ $value | humanizePercentage }} of the index block reads of {{ $labels.datname }} come from memory.',
        description:
          'Less than objectives.indexHitRate. See which tables: the dashboard "Queries"; drop indexes that nobody uses, or give more shared_buffers.',
      },
      means:
        'For 15 minutes more index blocks than promised were not in `shared_buffers` (`objectives.indexHitRate`, 95 %), at more than a hundred blocks a second.',
      look: 'the dashboard "Queries": indexes by size and by use',
      fix: 'drop indexes that nobody uses (`structdb bench` lists them for its suite), `reindex concurrently` a bloated one, more `shared_buffers`',
      proof: {
        series: {
          [series('pg_statio_user_tables_idx_blocks_hit', table)]: '0+60000x20 1200000+6000x50 1500000+60000x60',
          [series('pg_statio_user_tables_idx_blocks_read', table)]: '0+60x20 1200+6000x50 301200+60x60',
          [series('structdb_objective_ratio', 'name="index_hit"')]: '0.95x140',
        },
        quiet: ['15m', '25m'],
        fires: {
          at: '60m',
          labels: { ...DB_LABELS, datname: 'app' },
          summary: '50% of the index block reads of app come from memory.',
          description:
            'Less than objectives.indexHitRate. See which tables: the dashboard "Queries"; drop indexes that nobody uses, or give more shared_buffers.',
        },
        clears: '95m',
      },
    },
    {
      name: 'StructdbBenchMissed',
      severity: 'warning',
      expr: `${m('structdb_bench_last_verdict', 'verdict="missed"')} == 1`,
      for: '1m',
      says: {
        summary: 'The last benchmark on record missed a target.',
        description: 'Which query, and what its plan was: structdb bench report. After mending it, run structdb bench.',
      },
      means:
        'The newest stored run of `structdb bench` broke a promise: a query slower than its class allows, a missed index, a hit rate.',
      look: '`structdb bench report`',
      fix: 'by the query: [performance](performance.md); then `structdb bench` again',
      proof: {
        series: { [series('structdb_bench_last_verdict', 'verdict="missed"')]: '0x4 1x5 0x10' },
        quiet: ['4m', '5m'],
        fires: {
          at: '8m',
          labels: { ...DB_LABELS, verdict: 'missed' },
          summary: 'The last benchmark on record missed a target.',
          description:
            'Which query, and what its plan was: structdb bench report. After mending it, run structdb bench.',
        },
        clears: '11m',
      },
    },
  ],
};
