import { m } from '../metric-name.ts';
import { dashboard } from './dashboard.ts';
import { DATABASE, graph, INSTANCE, stat, table } from './panels.ts';
import { NEWEST_RECOVERABLE, RECOVERABLE_BACK_TO } from './recovery-stats.ts';
import { slowQueries } from './slow-queries.ts';

const objective = (name: string) => m('structdb_objective_ratio', `${INSTANCE},name="${name}"`);

/** `hit / (hit + read)` by database, where anything was read at all. */
function hitRate(hit: Parameters<typeof m>[0], read: Parameters<typeof m>[0]): string {
  const rate = (name: typeof hit) => `sum by (datname) (rate(${m(name, DATABASE)}[$__rate_interval]))`;
  return `${rate(hit)} / ((${rate(hit)} + ${rate(read)}) > 0)`;
}

const age = (name: Parameters<typeof m>[0]) => `time() - max(${m(name, INSTANCE)})`;

/** Stats on top, and the five panels: the same five that the exporter's own page shows. */
export function overview(): unknown {
  return dashboard({
    uid: 'structdb-overview',
    title: 'structdb: overview',
    description:
      'Whether the promises hold, and the five panels. The same five are on the page of structdb monitor serve.',
    byDatabase: true,
    panels: [
      stat({
        title: 'PostgreSQL',
        description: 'Whether the server answers the exporter.',
        alerts: ['StructdbServerDown', 'StructdbExporterDown'],
        query: { expr: `min(${m('pg_up', INSTANCE)})` },
        words: { 0: ['down', 'red'], 1: ['up', 'green'] },
        width: 3,
        height: 4,
      }),
      stat(RECOVERABLE_BACK_TO),
      stat(NEWEST_RECOVERABLE),
      stat({
        title: 'Newest backup',
        description: 'Age of the newest backup of any tier.',
        alerts: ['StructdbBackupOverdue', 'StructdbBackupDue', 'StructdbBackupDamaged'],
        query: { expr: age('structdb_backup_last_success_timestamp_seconds') },
        unit: 's',
        noValue: 'none',
        steps: [
          [null, 'green'],
          [24 * 3600, 'orange'],
          [30 * 3600, 'red'],
        ],
        width: 4,
        height: 4,
      }),
      stat({
        title: 'Last good drill',
        description: 'How long ago a restore kept every promise (objectives.drillInterval: 8 days).',
        alerts: ['StructdbDrillMissing', 'StructdbDrillStale', 'StructdbDrillFailed'],
        query: { expr: age('structdb_drill_last_success_timestamp_seconds') },
        unit: 's',
        noValue: 'none',
        steps: [
          [null, 'green'],
          [7 * 86400, 'orange'],
          [8 * 86400, 'red'],
        ],
        width: 3,
        height: 4,
      }),
      stat({
        title: 'RTO of the last drill',
        description: 'How long the database took to come back, of what objectives.rto allows.',
        alerts: ['StructdbRecoveryTimeNearLimit'],
        query: {
          expr: `max(${m('structdb_drill_last_rto_seconds', INSTANCE)}) / max(${m('structdb_objective_rto_seconds', INSTANCE)})`,
        },
        unit: 'percentunit',
        noValue: 'none',
        steps: [
          [null, 'green'],
          [0.8, 'orange'],
          [1, 'red'],
        ],
        width: 3,
        height: 4,
      }),
      stat({
        title: 'Migrations',
        description: 'Files that are not those that built the database: edited, missing, out of order.',
        alerts: ['StructdbMigrationsEdited', 'StructdbMigrationsPending', 'StructdbAuditTriggerDisabled'],
        query: { expr: `sum(${m('structdb_migrations', `${DATABASE},state=~"edited|missing file|out of order"`)})` },
        words: { 0: ['as built', 'green'] },
        steps: [
          [null, 'green'],
          [1, 'red'],
        ],
        width: 3,
        height: 4,
      }),
      table({
        title: 'Top 10 slow queries',
        description:
          'By mean time in the range of the dashboard, of the statements that the exporter tells (monitor.statements).',
        alerts: ['StructdbSlowQuery'],
        ...slowQueries('mean'),
        width: 24,
        height: 9,
      }),
      graph({
        title: 'Index hit rate',
        description:
          'Blocks of indexes that needed no read from the file system; and the share of scans that used an index.',
        alerts: ['StructdbIndexHitRateLow'],
        queries: [
          {
            expr: hitRate('pg_statio_user_tables_idx_blocks_hit', 'pg_statio_user_tables_idx_blocks_read'),
            legend: '{{datname}}',
          },
          {
            expr: hitRate('pg_stat_user_tables_idx_scan', 'pg_stat_user_tables_seq_scan'),
            legend: '{{datname}}: scans by index',
          },
          { expr: `max(${objective('index_hit')})`, legend: 'promised' },
        ],
        limit: 'promised',
        unit: 'percentunit',
        max: 1,
        width: 12,
        height: 8,
      }),
      graph({
        title: 'Cache hit rate',
        description: 'Blocks that needed no read from the file system.',
        alerts: ['StructdbCacheHitRateLow'],
        queries: [
          { expr: hitRate('pg_stat_database_blks_hit', 'pg_stat_database_blks_read'), legend: '{{datname}}' },
          { expr: `max(${objective('cache_hit')})`, legend: 'promised' },
        ],
        limit: 'promised',
        unit: 'percentunit',
        max: 1,
        width: 12,
        height: 8,
      }),
      graph({
        title: 'Connection pool usage',
        description: 'Connections by state, of those that the server allows to users.',
        alerts: ['StructdbConnectionsOverTarget', 'StructdbConnectionsNearLimit', 'StructdbIdleInTransaction'],
        queries: [
          {
            expr: `sum by (state) (${m('structdb_connections', INSTANCE)}) / on () group_left () sum(${m('structdb_connections_limit', INSTANCE)})`,
            legend: '{{state}}',
          },
          { expr: `max(${objective('connection_utilisation')})`, legend: 'promised' },
        ],
        limit: 'promised',
        stacked: true,
        unit: 'percentunit',
        min: 0,
        max: 1,
        width: 12,
        height: 8,
      }),
      graph({
        title: 'Transaction throughput',
        description: 'Transactions per second that were committed and rolled back.',
        alerts: ['StructdbDeadlocks', 'StructdbLongTransaction'],
        queries: [
          {
            expr: `sum by (datname) (rate(${m('pg_stat_database_xact_commit', DATABASE)}[$__rate_interval]))`,
            legend: '{{datname}} committed',
          },
          {
            expr: `sum by (datname) (rate(${m('pg_stat_database_xact_rollback', DATABASE)}[$__rate_interval]))`,
            legend: '{{datname}} rolled back',
          },
        ],
        unit: 'ops',
        min: 0,
        width: 12,
        height: 8,
      }),
    ],
  });
}
