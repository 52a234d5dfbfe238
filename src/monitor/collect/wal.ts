import { fromQuery } from './from-query.ts';

/** What lies in pg_wal, and the position that is written, on a standby replayed. Listing pg_wal needs pg_monitor. */
export const wal = fromQuery({
  name: 'wal',
  scope: 'server',
  prefix: 'pg_wal_',
  sql: () => `
    select count(*) as segments, coalesce(sum(size), 0) as size_bytes,
      pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, '0/0')
        as lsn_location_bytes
    from pg_ls_waldir()
    where name ~ '^[0-9A-F]{24}$'`,
});

/**
 * What the server wrote into its WAL. 18 moved the writes and syncs to pg_stat_io, where they count for each kind of
 * process: their sums are the same facts.
 */
export const statWal = fromQuery({
  name: 'stat_wal',
  scope: 'server',
  prefix: 'structdb_wal_',
  sql: ({ major }) => `
    select wal_records as records_total, wal_fpi as full_page_images_total, wal_bytes as generated_bytes_total,
      wal_buffers_full as buffers_full_total,
      ${
        major >= 18
          ? `io.writes as writes_total, io.fsyncs as syncs_total, io.write_time / 1000 as write_seconds_total,
      io.fsync_time / 1000 as sync_seconds_total
    from pg_stat_wal cross join (
      select sum(writes) as writes, sum(fsyncs) as fsyncs, sum(write_time) as write_time, sum(fsync_time) as fsync_time
      from pg_stat_io where object = 'wal'
    ) io`
          : `wal_write as writes_total, wal_sync as syncs_total, wal_write_time / 1000 as write_seconds_total,
      wal_sync_time / 1000 as sync_seconds_total
    from pg_stat_wal`
      }`,
});
