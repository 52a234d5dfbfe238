import { m } from '../metric-name.ts';
import { dashboard } from './dashboard.ts';
import { graph, INSTANCE, stat, table } from './panels.ts';
import { NEWEST_RECOVERABLE, RECOVERABLE_BACK_TO } from './recovery-stats.ts';

const age = (name: Parameters<typeof m>[0]) => `time() - ${m(name, INSTANCE)}`;
const byTier = 'by (tier, kind, store)';
const TIERS = '{{tier}} ({{kind}}, {{store}})';

/** Backups, WAL, the recovery window and drills. */
export function recovery(): unknown {
  return dashboard({
    uid: 'structdb-recovery',
    title: 'structdb: backups and drills',
    description: 'What the database can be brought back to, by which backups, and how the last drills went.',
    range: '7d',
    panels: [
      stat(RECOVERABLE_BACK_TO),
      stat(NEWEST_RECOVERABLE),
      stat({
        title: 'Missing segments',
        description: 'Of WAL, that replay from a kept base backup would miss.',
        alerts: ['StructdbWalMissing'],
        query: { expr: `sum(${m('structdb_wal_missing_segments', INSTANCE)})` },
        steps: [
          [null, 'green'],
          [1, 'red'],
        ],
        width: 4,
        height: 4,
      }),
      stat({
        title: 'Segments that wait',
        description: 'Finished ones that are not in the archive yet.',
        alerts: ['StructdbWalArchiveBehind', 'StructdbWalArchiveFailing'],
        query: { expr: `sum(${m('structdb_wal_backlog_segments', INSTANCE)})` },
        steps: [
          [null, 'green'],
          [3, 'orange'],
          [9, 'red'],
        ],
        width: 4,
        height: 4,
      }),
      stat({
        title: 'Stores',
        description: 'Whether every store answered when it was last asked.',
        alerts: ['StructdbStoreDown'],
        query: { expr: `min(${m('structdb_store_up', INSTANCE)})` },
        words: { 0: ['one is away', 'red'], 1: ['all answer', 'green'] },
        width: 4,
        height: 4,
      }),
      stat({
        title: 'What is told here is from',
        description: 'How long ago the exporter last read the oldest of its facts about stores, archive and evidence.',
        alerts: ['StructdbFactsStale', 'StructdbFactsFailed'],
        query: { expr: `time() - min(${m('structdb_facts_timestamp_seconds', INSTANCE)})` },
        unit: 's',
        steps: [
          [null, 'green'],
          [300, 'orange'],
          [900, 'red'],
        ],
        width: 4,
        height: 4,
      }),
      table({
        title: 'Newest backup of each tier',
        description: 'Verified: 1 where it was read again and found whole.',
        alerts: ['StructdbBackupDue', 'StructdbBackupOverdue', 'StructdbBackupDamaged'],
        queries: [
          { expr: `max ${byTier} (${age('structdb_backup_last_success_timestamp_seconds')})` },
          { expr: `max ${byTier} (${m('structdb_backup_last_duration_seconds', INSTANCE)})` },
          { expr: `max ${byTier} (${m('structdb_backup_last_size_bytes', INSTANCE)})` },
          { expr: `max ${byTier} (${m('structdb_backup_last_verified', INSTANCE)})` },
        ],
        columns: [
          { field: 'tier', heading: 'Tier' },
          { field: 'kind', heading: 'Kind' },
          { field: 'store', heading: 'Store' },
          { field: 'Value #A', heading: 'Age', unit: 's' },
          { field: 'Value #B', heading: 'Took', unit: 's' },
          { field: 'Value #C', heading: 'Size', unit: 'bytes' },
          { field: 'Value #D', heading: 'Verified' },
        ],
        sortBy: 'Age',
        width: 16,
        height: 7,
      }),
      table({
        title: 'Backups in the stores',
        description: 'How many there are of each kind.',
        queries: [{ expr: `sum by (store, kind) (${m('structdb_backups', INSTANCE)})` }],
        columns: [
          { field: 'store', heading: 'Store' },
          { field: 'kind', heading: 'Kind' },
          { field: 'Value', heading: 'Backups' },
        ],
        sortBy: 'Backups',
        width: 8,
        height: 7,
      }),
      graph({
        title: 'Age of the newest backup',
        description: 'By tier. It falls to zero with each backup.',
        alerts: ['StructdbBackupOverdue'],
        queries: [{ expr: `max ${byTier} (${age('structdb_backup_last_success_timestamp_seconds')})`, legend: TIERS }],
        unit: 's',
        min: 0,
        width: 12,
        height: 8,
      }),
      graph({
        title: 'Size of the newest backup',
        description: 'As stored, compressed.',
        queries: [{ expr: `max ${byTier} (${m('structdb_backup_last_size_bytes', INSTANCE)})`, legend: TIERS }],
        unit: 'bytes',
        min: 0,
        width: 12,
        height: 8,
      }),
      graph({
        title: 'Recovery window',
        description: 'How far back every instant can be reached, and what is promised.',
        alerts: ['StructdbRecoveryWindowShrinking'],
        queries: [
          {
            expr: `max(${m('structdb_recovery_window_end_timestamp_seconds', INSTANCE)}) - min(${m('structdb_recovery_window_start_timestamp_seconds', INSTANCE)})`,
            legend: 'reachable',
          },
          { expr: `max(${m('structdb_recovery_window_objective_seconds', INSTANCE)})`, legend: 'promised' },
        ],
        limit: 'promised',
        unit: 's',
        min: 0,
        width: 12,
        height: 8,
      }),
      graph({
        title: 'WAL that is not archived',
        description: 'Bytes that were written after the newest archived segment.',
        alerts: ['StructdbRecoveryPointBehind', 'StructdbWalArchiveBehind'],
        queries: [{ expr: m('structdb_wal_archive_lag_bytes', INSTANCE), legend: '{{instance}}' }],
        unit: 'bytes',
        min: 0,
        width: 12,
        height: 8,
      }),
      graph({
        title: 'Archiving',
        description: 'Segments per minute that the archive command brought into the store, and attempts that failed.',
        alerts: ['StructdbWalArchiveFailing'],
        queries: [
          {
            expr: `60 * rate(${m('pg_stat_archiver_archived_count', INSTANCE)}[$__rate_interval])`,
            legend: 'archived',
          },
          { expr: `60 * rate(${m('pg_stat_archiver_failed_count', INSTANCE)}[$__rate_interval])`, legend: 'failed' },
        ],
        unit: 'short',
        min: 0,
        width: 12,
        height: 8,
      }),
      graph({
        title: 'Size of the archive',
        description: 'What its segments take in the store.',
        queries: [{ expr: m('structdb_wal_archive_size_bytes', INSTANCE), legend: '{{instance}}' }],
        unit: 'bytes',
        min: 0,
        width: 12,
        height: 8,
      }),
      graph({
        title: 'Recovery time of the drills',
        description: 'Measured by the last drill of each kind, and what objectives.rto promises.',
        alerts: ['StructdbDrillFailed', 'StructdbRecoveryTimeNearLimit'],
        queries: [
          { expr: m('structdb_drill_last_rto_seconds', INSTANCE), legend: '{{kind}}' },
          { expr: `max(${m('structdb_objective_rto_seconds', INSTANCE)})`, legend: 'promised' },
        ],
        limit: 'promised',
        unit: 's',
        min: 0,
        width: 8,
        height: 8,
      }),
      graph({
        title: 'Loss found by the drills',
        description:
          'How much of the newest past the last drill of a base backup lost, and what objectives.rpo promises. A dump cannot prove it.',
        alerts: ['StructdbDrillFailed'],
        queries: [
          { expr: m('structdb_drill_last_rpo_seconds', INSTANCE), legend: '{{kind}}' },
          { expr: `max(${m('structdb_objective_rpo_seconds', INSTANCE)})`, legend: 'promised' },
        ],
        limit: 'promised',
        unit: 's',
        min: 0,
        width: 8,
        height: 8,
      }),
      table({
        title: 'Last drills',
        description: 'Of each kind of backup. Good: 1 where it kept every promise. More: structdb dr-test history.',
        alerts: ['StructdbDrillMissing', 'StructdbDrillStale', 'StructdbDrillFailed'],
        queries: [
          { expr: `max by (kind) (${age('structdb_drill_last_timestamp_seconds')})` },
          { expr: `max by (kind) (${age('structdb_drill_last_success_timestamp_seconds')})` },
          { expr: `max by (kind) (${m('structdb_drill_last_ok', INSTANCE)})` },
        ],
        columns: [
          { field: 'kind', heading: 'Kind' },
          { field: 'Value #A', heading: 'Last', unit: 's' },
          { field: 'Value #B', heading: 'Last good', unit: 's' },
          { field: 'Value #C', heading: 'Good' },
        ],
        sortBy: 'Last',
        width: 8,
        height: 8,
      }),
    ],
  });
}
