import { fromQuery } from './from-query.ts';

/** Transactions that are open now and the age of the oldest in seconds; neither autovacuum's nor the exporter's own. */
export const longRunningTransactions = fromQuery({
  name: 'long_running_transactions',
  scope: 'server',
  prefix: 'pg_long_running_',
  sql: () => `
    select count(*) as transactions,
      coalesce(max(extract(epoch from clock_timestamp() - xact_start)), 0) as transactions_oldest_timestamp_seconds
    from pg_stat_activity
    where state is distinct from 'idle' and query not like 'autovacuum:%' and xact_start is not null
      and pid <> pg_backend_pid()`,
});

/** When the autovacuum of a table began, for those that take longer than five minutes. */
export const statActivityAutovacuum = fromQuery({
  name: 'stat_activity_autovacuum',
  scope: 'server',
  prefix: 'pg_stat_activity_autovacuum_',
  labels: ['relname'],
  sql: () => `
    select split_part(query, '.', 2) as relname, min(extract(epoch from xact_start)) as timestamp_seconds
    from pg_stat_activity
    where query like 'autovacuum:%' and clock_timestamp() - xact_start > interval '5 minutes'
    group by 1`,
});
