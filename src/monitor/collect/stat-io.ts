import { fromQuery } from './from-query.ts';

/**
 * Reads and writes by who did them, on what and why (since 16): some eighty series of each name, as many as the server has
 * kinds of processes. What cannot happen is NULL there and has no series. 18 counts bytes; before, a block has op_bytes.
 */
export const statIo = fromQuery({
  name: 'stat_io',
  scope: 'server',
  prefix: 'structdb_io_',
  labels: ['backend_type', 'object', 'context'],
  runsOn: ({ major }) => major >= 16,
  sql: ({ major }) => {
    const bytes = (operation: string) =>
      `${major >= 18 ? `${operation}_bytes` : `${operation}s * op_bytes`} as ${operation}_bytes_total`;
    return `
    select backend_type, object, context, reads as reads_total, writes as writes_total, extends as extends_total,
      ${bytes('read')}, ${bytes('write')}, ${bytes('extend')},
      read_time / 1000 as read_seconds_total, write_time / 1000 as write_seconds_total,
      extend_time / 1000 as extend_seconds_total, fsync_time / 1000 as fsync_seconds_total,
      hits as hits_total, evictions as evictions_total, reuses as reuses_total, writebacks as writebacks_total,
      fsyncs as fsyncs_total
    from pg_stat_io`;
  },
});
