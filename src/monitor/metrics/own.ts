import { counter, gauge, type Metric } from './metric.ts';

const IO = ['backend_type', 'object', 'context'];
const STANDBY = ['application_name', 'client_addr', 'state', 'slot_name', 'pid'];

/**
 * What structdb knows beyond PostgreSQL's own statistics. Times are timestamps in seconds since 1970, so that a rule works
 * out the age itself and an exporter that stands still is noticed; `pg_` is kept for what postgres_exporter calls so.
 */
export const OWN_METRICS = Object.freeze({
  structdb_build_info: gauge('Always 1; the version of structdb.', 'version'),

  structdb_migrations: gauge(
    'Migrations of the database by state: applied, pending, edited, missing file, out of order.',
    'datname',
    'state',
  ),
  structdb_migration_current_info: gauge('Always 1; the newest migration that is applied.', 'datname', 'migration'),
  structdb_audit_trigger_enabled: gauge(
    '1 where a trigger that protects the audit log is there, enabled always and unaltered, else 0.',
    'datname',
    'trigger',
  ),

  structdb_backup_last_success_timestamp_seconds: gauge(
    'When the newest backup of a tier was complete.',
    'tier',
    'kind',
    'store',
  ),
  structdb_backup_last_duration_seconds: gauge('How long the newest backup of a tier took.', 'tier', 'kind', 'store'),
  structdb_backup_last_size_bytes: gauge(
    'What the newest backup of a tier takes in its store.',
    'tier',
    'kind',
    'store',
  ),
  structdb_backup_last_verified: gauge(
    '1 where the newest backup of a tier was verified and found whole, 0 where it was found damaged or was not verified.',
    'tier',
    'kind',
    'store',
  ),
  structdb_backup_last_verify_timestamp_seconds: gauge(
    'When the newest backup of a tier was last verified, whatever was found.',
    'tier',
    'kind',
    'store',
  ),
  structdb_backup_due: gauge(
    '1 where the current period of a tier has no backup yet although its time has passed, else 0.',
    'tier',
  ),
  structdb_backup_interval_seconds: gauge('How often a tier wants a backup.', 'tier'),
  structdb_backups: gauge('Backups in a store.', 'kind', 'store'),

  structdb_wal_backlog_segments: gauge('Segments that the server has finished and not archived yet.'),
  structdb_wal_archived_timestamp_seconds: gauge('When the newest segment reached the archive.'),
  structdb_wal_archive_lag_bytes: gauge('Bytes of WAL that were written after the newest archived one.'),
  structdb_wal_missing_segments: gauge('Segments that replay from a kept base backup would miss.'),
  structdb_wal_archive_size_bytes: gauge('What the archive takes in its store, whole segments as stored.'),

  structdb_recovery_window_start_timestamp_seconds: gauge(
    'The oldest instant that the database can be brought back to.',
  ),
  structdb_recovery_window_end_timestamp_seconds: gauge(
    'The newest instant that the database can provably be brought back to.',
  ),
  structdb_recovery_window_objective_seconds: gauge('How far back every instant has to be reachable.'),

  structdb_drill_last_timestamp_seconds: gauge('When the last drill of a kind of backup was.', 'kind'),
  structdb_drill_last_success_timestamp_seconds: gauge('When the last drill that kept its promises was.', 'kind'),
  structdb_drill_last_ok: gauge('1 where the last drill kept its promises, else 0.', 'kind'),
  structdb_drill_last_rto_seconds: gauge('How long the last drill took to bring the database back.', 'kind'),
  structdb_drill_last_rpo_seconds: gauge(
    'How much of the newest past the last drill lost, where it was judged.',
    'kind',
  ),
  structdb_objective_rto_seconds: gauge('The recovery time that is promised.'),
  structdb_objective_rpo_seconds: gauge('The loss that is promised not to be exceeded.'),
  structdb_objective_drill_interval_seconds: gauge('How often a drill has to be.'),

  structdb_bench_last_timestamp_seconds: gauge('When the last benchmark was run.'),
  structdb_bench_last_verdict: gauge('1 for the verdict of the last benchmark, 0 for the others.', 'verdict'),
  structdb_bench_p95_seconds: gauge('95th percentile of a query in the last benchmark.', 'query', 'class'),
  structdb_bench_target_seconds: gauge('Target of the 95th percentile of a class of queries.', 'class'),

  structdb_database_up: gauge('1 where the connection to a monitored database works, else 0.', 'datname'),
  structdb_connections: gauge("Clients' connections to the server by state, the exporter's own included.", 'state'),
  structdb_connections_limit: gauge('Connections that the server allows to users: all but the reserved ones.'),
  structdb_connection_utilisation_ratio: gauge('Connections in use, of those that the server allows to users.'),
  structdb_index_hit_ratio: gauge(
    'Reads of index blocks that needed no read from the file system, since the scrape before.',
    'datname',
  ),
  structdb_cache_hit_ratio: gauge(
    'Reads of blocks that needed no read from the file system, since the scrape before.',
    'datname',
  ),
  structdb_transactions_per_second: gauge('Transactions that ended, since the scrape before.', 'datname'),
  structdb_wal_records_total: counter('Records that were written into the WAL.'),
  structdb_wal_full_page_images_total: counter('Whole pages that were written into the WAL.'),
  structdb_wal_generated_bytes_total: counter('Bytes of WAL that were generated.'),
  structdb_wal_buffers_full_total: counter('Times that WAL was written because its buffers were full.'),
  structdb_wal_writes_total: counter('Times that WAL buffers were written.'),
  structdb_wal_syncs_total: counter('Times that WAL was synced to disk.'),
  structdb_wal_write_seconds_total: counter('Time spent writing WAL; 0 unless track_wal_io_timing is on.'),
  structdb_wal_sync_seconds_total: counter('Time spent syncing WAL; 0 unless track_wal_io_timing is on.'),
  structdb_io_reads_total: counter('Reads from the file system (PostgreSQL 16 and newer).', ...IO),
  structdb_io_read_bytes_total: counter('Bytes that were read from the file system.', ...IO),
  structdb_io_read_seconds_total: counter('Time spent reading; 0 unless track_io_timing is on.', ...IO),
  structdb_io_writes_total: counter('Writes to the file system.', ...IO),
  structdb_io_write_bytes_total: counter('Bytes that were written to the file system.', ...IO),
  structdb_io_write_seconds_total: counter('Time spent writing; 0 unless track_io_timing is on.', ...IO),
  structdb_io_writebacks_total: counter('Blocks that the kernel was asked to write back.', ...IO),
  structdb_io_extends_total: counter('Extensions of files.', ...IO),
  structdb_io_extend_bytes_total: counter('Bytes by which files were extended.', ...IO),
  structdb_io_extend_seconds_total: counter('Time spent extending files; 0 unless track_io_timing is on.', ...IO),
  structdb_io_hits_total: counter('Blocks that were found in shared or local buffers.', ...IO),
  structdb_io_evictions_total: counter('Blocks that made room in a buffer for another one.', ...IO),
  structdb_io_reuses_total: counter('Buffers of a ring that were used again.', ...IO),
  structdb_io_fsyncs_total: counter('Calls of fsync.', ...IO),
  structdb_io_fsync_seconds_total: counter('Time spent in fsync; 0 unless track_io_timing is on.', ...IO),
  structdb_replication_write_lag_seconds: gauge(
    'How long a standby takes to write what it is sent; 0 while nothing is behind.',
    ...STANDBY,
  ),
  structdb_replication_flush_lag_seconds: gauge(
    'How long a standby takes to flush what it is sent; 0 while nothing is behind.',
    ...STANDBY,
  ),
  structdb_replication_replay_lag_seconds: gauge(
    'How long a standby takes to replay what it is sent; 0 while nothing is behind.',
    ...STANDBY,
  ),

  structdb_objective_ratio: gauge('What is promised of a ratio: index_hit, cache_hit, connection_utilisation.', 'name'),

  structdb_store_up: gauge('1 where a store answered when it was last asked, else 0.', 'store'),
  structdb_disk_free_bytes: gauge('Free space where structdb can see it.', 'place'),
  structdb_disk_size_bytes: gauge('Size of the file system, where structdb can see it.', 'place'),
  structdb_facts_timestamp_seconds: gauge('When a part of what structdb tells was last read.', 'part'),
  structdb_facts_failed: gauge(
    '1 where a part of what structdb tells could not be read the last time, else 0.',
    'part',
  ),
} satisfies Record<string, Metric>);

export type OwnMetricName = keyof typeof OWN_METRICS;
