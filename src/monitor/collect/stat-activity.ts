import { fromQuery } from './from-query.ts';

/** The states that every database has a series of, also where no session is in it: an absent series hides a fall to 0. */
const STATES = [
  'active',
  'idle',
  'idle in transaction',
  'idle in transaction (aborted)',
  'fastpath function call',
  'disabled',
];

/** Sessions of databases by what they do, and the age of their oldest transaction in seconds; without the exporter's own. */
export const statActivity = fromQuery({
  name: 'stat_activity',
  scope: 'server',
  prefix: 'pg_stat_activity_',
  labels: ['datname', 'state', 'usename', 'application_name', 'backend_type', 'wait_event_type', 'wait_event'],
  sql: () => `
    select d.datname, s.state, a.usename, a.application_name, a.backend_type, a.wait_event_type, a.wait_event,
      coalesce(a.count, 0) as count, coalesce(a.max_tx_duration, 0) as max_tx_duration
    from pg_database d
    cross join unnest(array[${STATES.map((state) => `'${state}'`).join(', ')}]) as s (state)
    left join (
      select datname, state, usename, application_name, backend_type, wait_event_type, wait_event, count(*) as count,
        max(extract(epoch from now() - xact_start)) as max_tx_duration
      from pg_stat_activity
      where pid <> pg_backend_pid()
      group by 1, 2, 3, 4, 5, 6, 7
    ) a on a.datname = d.datname and a.state = s.state`,
});
