import { fromQuery } from './from-query.ts';

/** What the server counts for each database. Times are in milliseconds where the column's name says nothing else. */
export const statDatabase = fromQuery({
  name: 'stat_database',
  scope: 'server',
  prefix: 'pg_stat_database_',
  labels: ['datid', 'datname'],
  sql: () => `
    select datid, datname, numbackends, xact_commit, xact_rollback, blks_read, blks_hit, tup_returned, tup_fetched,
      tup_inserted, tup_updated, tup_deleted, conflicts, temp_files, temp_bytes, deadlocks, blk_read_time, blk_write_time,
      coalesce(floor(extract(epoch from stats_reset)), 0) as stats_reset,
      active_time / 1000 as active_time_seconds_total
    from pg_stat_database
    where datname is not null`,
});
