import { counter, gauge, type Metric } from './metric.ts';

const DATABASE = ['datid', 'datname'];
const TABLE = ['datname', 'schemaname', 'relname'];
const INDEX = [...TABLE, 'indexrelname'];
const ACTIVITY = ['datname', 'state', 'usename', 'application_name', 'backend_type', 'wait_event_type', 'wait_event'];
const STATEMENT = ['user', 'datname', 'queryid'];
const SLOT = ['slot_name', 'slot_type'];
const STANDBY = ['application_name', 'client_addr', 'state', 'slot_name', 'pid'];
const RECEIVER = ['upstream_host', 'slot_name'];
const VACUUM = ['datname', 'relname'];

/**
 * The metrics of postgres_exporter that are told here, with its names, types and labels: dashboards and rules that were made
 * for it work unchanged. docs/monitoring-metrics.md lists those that are not told, and why. Parameters of the server are in
 * `settingMetric`: there are as many as the server has.
 */
export const PG_METRICS = Object.freeze({
  pg_up: gauge('1 where the server answers, else 0.'),
  pg_exporter_scrapes_total: counter('Scrapes since the exporter was started.'),
  pg_exporter_last_scrape_error: gauge('1 where something could not be read in the last scrape, else 0.'),
  pg_exporter_last_scrape_duration_seconds: gauge('How long the last scrape took.'),
  pg_scrape_collector_duration_seconds: gauge('How long a collector took.', 'collector'),
  pg_scrape_collector_success: gauge('1 where a collector read all that it reads, else 0.', 'collector'),

  pg_static: Object.freeze({
    type: 'untyped',
    help: "Always 1; the server's version.",
    labels: ['version', 'short_version'],
  }),
  pg_postmaster_start_time_seconds: gauge('When the server was started, in seconds since 1970.'),

  pg_database_size_bytes: gauge('What a database takes on disk.', 'datname'),
  pg_database_connection_limit: gauge('Connections that a database allows; -1 is no limit.', 'datname'),
  pg_database_wraparound_age_datfrozenxid_seconds: gauge(
    'How many transactions ago the oldest row of a database was frozen (not seconds).',
    'datname',
  ),
  pg_database_wraparound_age_datminmxid_seconds: gauge(
    'How many multitransactions ago the oldest one of a database is (not seconds).',
    'datname',
  ),
  pg_roles_connection_limit: gauge('Connections that a role may have; -1 is no limit.', 'rolname'),
  pg_settings_pending_restart: gauge('1 for a parameter that waits for a restart of the server.', 'name'),

  pg_stat_activity_count: gauge('Sessions of a database by what they do.', ...ACTIVITY),
  pg_stat_activity_max_tx_duration: gauge('Age in seconds of the oldest transaction of such sessions.', ...ACTIVITY),
  pg_stat_activity_autovacuum_timestamp_seconds: gauge(
    'When the autovacuum of a table began, where it takes longer than five minutes.',
    'relname',
  ),
  pg_locks_count: gauge('Locks of a database by mode.', 'datname', 'mode'),
  pg_long_running_transactions: gauge('Transactions that are open.'),
  pg_long_running_transactions_oldest_timestamp_seconds: gauge('Age in seconds of the oldest open transaction.'),

  pg_stat_database_numbackends: gauge('Sessions of a database.', ...DATABASE),
  pg_stat_database_xact_commit: counter('Transactions that were committed.', ...DATABASE),
  pg_stat_database_xact_rollback: counter('Transactions that were rolled back.', ...DATABASE),
  pg_stat_database_blks_read: counter('Blocks that were not in shared buffers.', ...DATABASE),
  pg_stat_database_blks_hit: counter('Blocks that were found in shared buffers.', ...DATABASE),
  pg_stat_database_tup_returned: counter('Rows that scans went over.', ...DATABASE),
  pg_stat_database_tup_fetched: counter('Rows that were fetched through indexes.', ...DATABASE),
  pg_stat_database_tup_inserted: counter('Rows that were inserted.', ...DATABASE),
  pg_stat_database_tup_updated: counter('Rows that were updated.', ...DATABASE),
  pg_stat_database_tup_deleted: counter('Rows that were deleted.', ...DATABASE),
  pg_stat_database_conflicts: counter(
    'Queries of a standby that were cancelled for the sake of recovery.',
    ...DATABASE,
  ),
  pg_stat_database_temp_files: counter('Temporary files that queries wrote.', ...DATABASE),
  pg_stat_database_temp_bytes: counter('Bytes that queries wrote to temporary files.', ...DATABASE),
  pg_stat_database_deadlocks: counter('Deadlocks that were found.', ...DATABASE),
  pg_stat_database_blk_read_time: counter(
    'Milliseconds spent reading blocks, where track_io_timing is on.',
    ...DATABASE,
  ),
  pg_stat_database_blk_write_time: counter(
    'Milliseconds spent writing blocks, where track_io_timing is on.',
    ...DATABASE,
  ),
  pg_stat_database_active_time_seconds_total: counter('Time spent executing statements.', ...DATABASE),
  pg_stat_database_stats_reset: counter(
    'When the statistics of a database were reset, in seconds since 1970; 0 for never.',
    ...DATABASE,
  ),

  pg_stat_archiver_archived_count: counter('Segments of WAL that were archived.'),
  pg_stat_archiver_failed_count: counter('Attempts to archive a segment that failed.'),
  pg_stat_archiver_last_archive_age: gauge('Seconds since the last segment was archived.'),
  pg_wal_segments: gauge('Segments in pg_wal.'),
  pg_wal_size_bytes: gauge('Size of the segments in pg_wal.'),
  pg_wal_lsn_location_bytes: gauge('Position of the WAL that is written, on a standby replayed.'),

  pg_stat_bgwriter_buffers_clean_total: counter('Buffers that the background writer wrote.'),
  pg_stat_bgwriter_maxwritten_clean_total: counter(
    'Times the background writer stopped because it had written enough.',
  ),
  pg_stat_bgwriter_buffers_alloc_total: counter('Buffers that were allocated.'),
  pg_stat_bgwriter_stats_reset_total: counter('When these statistics were reset, in seconds since 1970.'),
  pg_stat_bgwriter_checkpoints_timed_total: counter('Checkpoints whose time had come (before PostgreSQL 17).'),
  pg_stat_bgwriter_checkpoints_req_total: counter('Checkpoints that were asked for (before PostgreSQL 17).'),
  pg_stat_bgwriter_checkpoint_write_time_total: counter('Milliseconds in which checkpoints wrote (before 17).'),
  pg_stat_bgwriter_checkpoint_sync_time_total: counter('Milliseconds in which checkpoints synced (before 17).'),
  pg_stat_bgwriter_buffers_checkpoint_total: counter('Buffers that checkpoints wrote (before PostgreSQL 17).'),
  pg_stat_bgwriter_buffers_backend_total: counter('Buffers that backends wrote themselves (before PostgreSQL 17).'),
  pg_stat_bgwriter_buffers_backend_fsync_total: counter(
    'Calls of fsync by backends themselves (before PostgreSQL 17).',
  ),
  pg_stat_checkpointer_num_timed_total: counter('Checkpoints whose time had come (PostgreSQL 17 and newer).'),
  pg_stat_checkpointer_num_requested_total: counter('Checkpoints that were asked for (PostgreSQL 17 and newer).'),
  pg_stat_checkpointer_restartpoints_timed_total: counter('Restartpoints whose time had come.'),
  pg_stat_checkpointer_restartpoints_req_total: counter('Restartpoints that were asked for.'),
  pg_stat_checkpointer_restartpoints_done_total: counter('Restartpoints that were done.'),
  pg_stat_checkpointer_write_time_total: counter('Milliseconds in which checkpoints and restartpoints wrote.'),
  pg_stat_checkpointer_sync_time_total: counter('Milliseconds in which checkpoints and restartpoints synced.'),
  pg_stat_checkpointer_buffers_written_total: counter('Buffers that checkpoints and restartpoints wrote.'),
  pg_stat_checkpointer_stats_reset_total: counter('When these statistics were reset, in seconds since 1970.'),

  pg_replication_lag_seconds: gauge('How far a standby is behind; 0 on a primary, and where all is replayed.'),
  pg_replication_is_replica: gauge('1 on a standby, 0 on a primary.'),
  pg_replication_last_replay_seconds: gauge('Age of the last transaction that was replayed; 0 on a primary.'),
  pg_replication_slots_active: gauge('1 where somebody reads from a slot, else 0.', 'slot_name', 'database'),
  pg_replication_slots_pg_wal_lsn_diff: gauge('Bytes of WAL that a slot holds back.', 'slot_name', 'database'),
  pg_replication_slots_slot_current_wal_lsn: gauge("Position of the server's WAL.", ...SLOT),
  pg_replication_slots_slot_confirmed_flush_lsn: gauge(
    'Position up to which the reader of an active slot confirmed.',
    ...SLOT,
  ),
  pg_replication_slots_slot_is_active: gauge('1 where somebody reads from a slot, else 0.', ...SLOT),
  pg_replication_slots_safe_wal_size_bytes: gauge(
    'Bytes of WAL that may be written before a slot is in danger of being lost.',
    ...SLOT,
  ),
  pg_replication_slots_wal_status: gauge('Always 1; whether the WAL of a slot is there.', ...SLOT, 'wal_status'),
  pg_stat_replication_pg_current_wal_lsn_bytes: gauge("Position of the server's WAL.", ...STANDBY),
  pg_stat_replication_pg_wal_lsn_diff: gauge('Bytes of WAL that a standby has not replayed.', ...STANDBY),
  pg_stat_wal_receiver_status: gauge(
    'What the WAL receiver does: 0 stopped, 1 starting, 2 streaming, 3 waiting, 4 restarting, -1 stopping.',
    ...RECEIVER,
  ),
  pg_stat_wal_receiver_receive_start_lsn: counter('Position at which the receiver started.', ...RECEIVER),
  pg_stat_wal_receiver_receive_start_tli: gauge('Timeline at which the receiver started.', ...RECEIVER),
  pg_stat_wal_receiver_flushed_lsn: counter('Position that is received and flushed.', ...RECEIVER),
  pg_stat_wal_receiver_received_tli: gauge('Timeline of the position that is received.', ...RECEIVER),
  pg_stat_wal_receiver_last_msg_send_time: counter(
    'When the last message was sent, in seconds since 1970.',
    ...RECEIVER,
  ),
  pg_stat_wal_receiver_last_msg_receipt_time: counter(
    'When the last message came, in seconds since 1970.',
    ...RECEIVER,
  ),
  pg_stat_wal_receiver_latest_end_lsn: counter('Position that was last reported to the sender.', ...RECEIVER),
  pg_stat_wal_receiver_latest_end_time: counter('When it was last reported, in seconds since 1970.', ...RECEIVER),

  pg_stat_progress_vacuum_phase: gauge('1 for the phase that a VACUUM is in, 0 for the others.', ...VACUUM, 'phase'),
  pg_stat_progress_vacuum_heap_blks: gauge('Blocks of the table.', ...VACUUM),
  pg_stat_progress_vacuum_heap_blks_scanned: gauge('Blocks that a VACUUM has read.', ...VACUUM),
  pg_stat_progress_vacuum_heap_blks_vacuumed: gauge('Blocks that a VACUUM has cleaned.', ...VACUUM),
  pg_stat_progress_vacuum_index_vacuums: gauge('How often a VACUUM went over the indexes.', ...VACUUM),
  pg_stat_progress_vacuum_max_dead_tuples: gauge('Dead rows that fit into memory (before PostgreSQL 17).', ...VACUUM),
  pg_stat_progress_vacuum_num_dead_tuples: gauge('Dead rows found since the last pass over the indexes.', ...VACUUM),

  pg_stat_statements_calls_total: counter('Times that a statement was executed.', ...STATEMENT),
  pg_stat_statements_seconds_total: counter('Time spent executing a statement.', ...STATEMENT),
  pg_stat_statements_rows_total: counter('Rows that a statement gave or changed.', ...STATEMENT),
  pg_stat_statements_block_read_seconds_total: counter('Time in which a statement read blocks.', ...STATEMENT),
  pg_stat_statements_block_write_seconds_total: counter('Time in which a statement wrote blocks.', ...STATEMENT),
  pg_stat_statements_query_id: counter('Always 1; the first 120 characters of a statement.', 'queryid', 'query'),

  pg_stat_user_tables_seq_scan: counter('Sequential scans of a table.', ...TABLE),
  pg_stat_user_tables_seq_tup_read: counter('Rows that sequential scans read.', ...TABLE),
  pg_stat_user_tables_idx_scan: counter('Index scans of a table.', ...TABLE),
  pg_stat_user_tables_idx_tup_fetch: counter('Rows that index scans fetched.', ...TABLE),
  pg_stat_user_tables_n_tup_ins: counter('Rows that were inserted.', ...TABLE),
  pg_stat_user_tables_n_tup_upd: counter('Rows that were updated.', ...TABLE),
  pg_stat_user_tables_n_tup_del: counter('Rows that were deleted.', ...TABLE),
  pg_stat_user_tables_n_tup_hot_upd: counter('Rows that were updated without a change of any index.', ...TABLE),
  pg_stat_user_tables_n_live_tup: gauge('Rows, as estimated.', ...TABLE),
  pg_stat_user_tables_n_dead_tup: gauge('Dead rows, as estimated.', ...TABLE),
  pg_stat_user_tables_n_mod_since_analyze: gauge('Rows changed since the table was analysed, as estimated.', ...TABLE),
  pg_stat_user_tables_last_vacuum: gauge('When somebody vacuumed it, in seconds since 1970; 0 for never.', ...TABLE),
  pg_stat_user_tables_last_autovacuum: gauge('When autovacuum did, in seconds since 1970; 0 for never.', ...TABLE),
  pg_stat_user_tables_last_analyze: gauge('When somebody analysed it, in seconds since 1970; 0 for never.', ...TABLE),
  pg_stat_user_tables_last_autoanalyze: gauge('When autovacuum analysed it; 0 for never.', ...TABLE),
  pg_stat_user_tables_vacuum_count: counter('Times that somebody vacuumed it.', ...TABLE),
  pg_stat_user_tables_autovacuum_count: counter('Times that autovacuum vacuumed it.', ...TABLE),
  pg_stat_user_tables_analyze_count: counter('Times that somebody analysed it.', ...TABLE),
  pg_stat_user_tables_autoanalyze_count: counter('Times that autovacuum analysed it.', ...TABLE),
  pg_stat_user_tables_index_size_bytes: gauge("What a table's indexes take on disk.", ...TABLE),
  pg_stat_user_tables_table_size_bytes: gauge('What a table takes on disk without its indexes.', ...TABLE),
  pg_statio_user_tables_heap_blocks_read: counter('Blocks of a table that were not in shared buffers.', ...TABLE),
  pg_statio_user_tables_heap_blocks_hit: counter('Blocks of a table that were found in shared buffers.', ...TABLE),
  pg_statio_user_tables_idx_blocks_read: counter('Blocks of its indexes that were not in shared buffers.', ...TABLE),
  pg_statio_user_tables_idx_blocks_hit: counter('Blocks of its indexes that were found in shared buffers.', ...TABLE),
  pg_statio_user_tables_toast_blocks_read: counter('Blocks of its TOAST table that were not in buffers.', ...TABLE),
  pg_statio_user_tables_toast_blocks_hit: counter('Blocks of its TOAST table that were found in buffers.', ...TABLE),
  pg_statio_user_tables_tidx_blocks_read: counter("Blocks of its TOAST table's indexes, not in buffers.", ...TABLE),
  pg_statio_user_tables_tidx_blocks_hit: counter("Blocks of its TOAST table's indexes, found in buffers.", ...TABLE),
  pg_statio_user_indexes_idx_blks_read_total: counter('Blocks of an index that were not in shared buffers.', ...INDEX),
  pg_statio_user_indexes_idx_blks_hit_total: counter('Blocks of an index that were found in shared buffers.', ...INDEX),
} satisfies Record<string, Metric>);

export type PgMetricName = keyof typeof PG_METRICS;

/** The exporter's own process, as Prometheus' libraries for other languages tell it. */
export const PROCESS_METRICS = Object.freeze({
  process_cpu_seconds_total: counter("Processor time of the exporter's process, user and system."),
  process_resident_memory_bytes: gauge("Memory of the exporter's process that is in RAM."),
  process_virtual_memory_bytes: gauge("Address space of the exporter's process."),
  process_open_fds: gauge("Files that the exporter's process has open."),
  process_max_fds: gauge("Files that the exporter's process may have open."),
  process_start_time_seconds: gauge("When the exporter's process was started, in seconds since 1970."),
} satisfies Record<string, Metric>);

/** The family of a parameter of the server, `pg_settings_<name>`, with its unit behind where it has one. */
export function settingMetric(name: string): Metric {
  const [, parameter, unit] = /^pg_settings_(.+?)(?:_(bytes|seconds))?$/.exec(name) ?? [];
  return gauge(`The server's parameter ${parameter}${unit === undefined ? '' : `, in ${unit}`}.`);
}
