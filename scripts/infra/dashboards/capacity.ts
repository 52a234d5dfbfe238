import { m } from '../metric-name.ts';
import { dashboard } from './dashboard.ts';
import { DATABASE, graph, INSTANCE, stat, table } from './panels.ts';

const rate = (name: Parameters<typeof m>[0], matchers = INSTANCE) => `rate(${m(name, matchers)}[$__rate_interval])`;
const byTable = 'sum by (datname, schemaname, relname)';
const usedShare = `1 - ${m('structdb_disk_free_bytes', INSTANCE)} / ${m('structdb_disk_size_bytes', INSTANCE)}`;

/** What grows, and how far it is from its limit. */
export function capacity(): unknown {
  return dashboard({
    uid: 'structdb-capacity',
    title: 'structdb: capacity',
    description: 'What grows, and how far it is from its limit: disks, tables, WAL, connections, transaction ids.',
    byDatabase: true,
    range: '24h',
    panels: [
      stat({
        title: 'Fullest disk',
        description:
          'Of those that structdb can see: directory stores, and the data directory where it is on the same machine.',
        alerts: ['StructdbDiskLow', 'StructdbDiskFilling'],
        query: { expr: `max(${usedShare})` },
        unit: 'percentunit',
        steps: [
          [null, 'green'],
          [0.8, 'orange'],
          [0.9, 'red'],
        ],
        width: 6,
        height: 4,
      }),
      stat({
        title: 'Connections in use',
        description: 'Of those that the server allows to users.',
        alerts: ['StructdbConnectionsOverTarget', 'StructdbConnectionsNearLimit'],
        query: { expr: `max(${m('structdb_connection_utilisation_ratio', INSTANCE)})` },
        unit: 'percentunit',
        steps: [
          [null, 'green'],
          [0.5, 'orange'],
          [0.9, 'red'],
        ],
        width: 6,
        height: 4,
      }),
      stat({
        title: 'Transaction ids used up',
        description: 'Since the oldest that is not frozen, of the two billion at which PostgreSQL stops writing.',
        alerts: ['StructdbWraparound'],
        query: {
          expr: `max(${m('pg_database_wraparound_age_datfrozenxid_seconds', INSTANCE)}) / 2147483648`,
        },
        unit: 'percentunit',
        decimals: 1,
        steps: [
          [null, 'green'],
          [0.25, 'orange'],
          [0.46, 'red'],
        ],
        width: 6,
        height: 4,
      }),
      stat({
        title: 'Databases together',
        description: 'What they take on disk.',
        query: { expr: `sum(${m('pg_database_size_bytes', INSTANCE)})` },
        unit: 'bytes',
        width: 6,
        height: 4,
      }),
      graph({
        title: 'Free space',
        description: 'By place.',
        alerts: ['StructdbDiskLow', 'StructdbDiskFilling'],
        queries: [{ expr: m('structdb_disk_free_bytes', INSTANCE), legend: '{{place}}' }],
        unit: 'bytes',
        min: 0,
        width: 12,
        height: 8,
      }),
      graph({
        title: 'Size of the databases',
        description: 'On disk, with their indexes.',
        queries: [{ expr: m('pg_database_size_bytes', DATABASE), legend: '{{datname}}' }],
        unit: 'bytes',
        min: 0,
        stacked: true,
        width: 12,
        height: 8,
      }),
      table({
        title: 'Largest tables',
        description: 'Dead rows wait for vacuum.',
        queries: [
          {
            expr: `topk(20, ${byTable} (${m('pg_stat_user_tables_table_size_bytes', DATABASE)}) + ${byTable} (${m('pg_stat_user_tables_index_size_bytes', DATABASE)}))`,
          },
          { expr: `${byTable} (${m('pg_stat_user_tables_index_size_bytes', DATABASE)})` },
          { expr: `${byTable} (${m('pg_stat_user_tables_n_live_tup', DATABASE)})` },
          { expr: `${byTable} (${m('pg_stat_user_tables_n_dead_tup', DATABASE)})` },
        ],
        columns: [
          { field: 'datname', heading: 'Database' },
          { field: 'schemaname', heading: 'Schema' },
          { field: 'relname', heading: 'Table' },
          { field: 'Value #A', heading: 'Size', unit: 'bytes' },
          { field: 'Value #B', heading: 'Of it indexes', unit: 'bytes' },
          { field: 'Value #C', heading: 'Rows', unit: 'short' },
          { field: 'Value #D', heading: 'Dead rows', unit: 'short' },
        ],
        sortBy: 'Size',
        width: 24,
        height: 9,
      }),
      graph({
        title: 'pg_wal',
        description:
          'What the server keeps of its WAL; a slot that nobody reads, or an archive that stands still, lets it grow.',
        alerts: ['StructdbSlotBehind', 'StructdbWalArchiveFailing'],
        queries: [
          { expr: m('pg_wal_size_bytes', INSTANCE), legend: 'pg_wal' },
          { expr: m('pg_replication_slots_pg_wal_lsn_diff', INSTANCE), legend: 'held by slot {{slot_name}}' },
        ],
        unit: 'bytes',
        min: 0,
        width: 12,
        height: 8,
      }),
      graph({
        title: 'WAL written',
        description: 'Bytes per second: what the archive has to take.',
        queries: [{ expr: rate('structdb_wal_generated_bytes_total'), legend: '{{instance}}' }],
        unit: 'Bps',
        min: 0,
        width: 12,
        height: 8,
      }),
      graph({
        title: 'Connections by role and application',
        description: 'The ten that have most.',
        alerts: ['StructdbConnectionsOverTarget'],
        queries: [
          {
            expr: `topk(10, sum by (usename, application_name) (${m('pg_stat_activity_count', `${DATABASE},usename!=""`)}))`,
            legend: '{{usename}} {{application_name}}',
          },
        ],
        unit: 'short',
        stacked: true,
        min: 0,
        width: 12,
        height: 8,
      }),
      graph({
        title: 'Checkpoints',
        description:
          'Per minute: those whose time had come, and those that WAL asked for (raise max_wal_size when these are many).',
        queries: [
          {
            expr: `60 * (${rate('pg_stat_checkpointer_num_timed_total')} or ${rate('pg_stat_bgwriter_checkpoints_timed_total')})`,
            legend: 'in time',
          },
          {
            expr: `60 * (${rate('pg_stat_checkpointer_num_requested_total')} or ${rate('pg_stat_bgwriter_checkpoints_req_total')})`,
            legend: 'asked for',
          },
        ],
        unit: 'short',
        min: 0,
        width: 12,
        height: 8,
      }),
      graph({
        title: 'Age of the oldest transaction id',
        description: 'By database, in transactions; autovacuum freezes at 200 million.',
        alerts: ['StructdbWraparound'],
        queries: [{ expr: m('pg_database_wraparound_age_datfrozenxid_seconds', DATABASE), legend: '{{datname}}' }],
        unit: 'short',
        min: 0,
        width: 8,
        height: 8,
      }),
      graph({
        title: 'Vacuum and analyse',
        description: 'Runs per hour, by autovacuum and by hand.',
        queries: [
          {
            expr: `3600 * sum(${rate('pg_stat_user_tables_autovacuum_count', DATABASE)} + ${rate('pg_stat_user_tables_vacuum_count', DATABASE)})`,
            legend: 'vacuum',
          },
          {
            expr: `3600 * sum(${rate('pg_stat_user_tables_autoanalyze_count', DATABASE)} + ${rate('pg_stat_user_tables_analyze_count', DATABASE)})`,
            legend: 'analyse',
          },
        ],
        unit: 'short',
        min: 0,
        width: 8,
        height: 8,
      }),
      graph({
        title: 'Temporary files',
        description: 'Bytes per second that sorts and hashes wrote because work_mem was too small.',
        queries: [
          { expr: `sum by (datname) (${rate('pg_stat_database_temp_bytes', DATABASE)})`, legend: '{{datname}}' },
        ],
        unit: 'Bps',
        min: 0,
        width: 8,
        height: 8,
      }),
    ],
  });
}
