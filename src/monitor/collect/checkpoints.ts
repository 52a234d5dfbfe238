import { fromQuery } from './from-query.ts';

const RESET = `coalesce(floor(extract(epoch from stats_reset)), 0) as stats_reset_total`;

/** The background writer; before 17 with checkpoints and what backends wrote themselves. Times are in milliseconds. */
export const statBgwriter = fromQuery({
  name: 'stat_bgwriter',
  scope: 'server',
  prefix: 'pg_stat_bgwriter_',
  sql: ({ major }) => `
    select buffers_clean as buffers_clean_total, maxwritten_clean as maxwritten_clean_total,
      buffers_alloc as buffers_alloc_total, ${RESET}
      ${
        major < 17
          ? `, checkpoints_timed as checkpoints_timed_total, checkpoints_req as checkpoints_req_total,
      checkpoint_write_time as checkpoint_write_time_total, checkpoint_sync_time as checkpoint_sync_time_total,
      buffers_checkpoint as buffers_checkpoint_total, buffers_backend as buffers_backend_total,
      buffers_backend_fsync as buffers_backend_fsync_total`
          : ''
      }
    from pg_stat_bgwriter`,
});

/** Checkpoints and restartpoints since 17. Times are in milliseconds. */
export const statCheckpointer = fromQuery({
  name: 'stat_checkpointer',
  scope: 'server',
  prefix: 'pg_stat_checkpointer_',
  runsOn: ({ major }) => major >= 17,
  sql: () => `
    select num_timed as num_timed_total, num_requested as num_requested_total,
      restartpoints_timed as restartpoints_timed_total, restartpoints_req as restartpoints_req_total,
      restartpoints_done as restartpoints_done_total, write_time as write_time_total, sync_time as sync_time_total,
      buffers_written as buffers_written_total, ${RESET}
    from pg_stat_checkpointer`,
});
