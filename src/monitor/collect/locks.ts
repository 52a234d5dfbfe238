import { fromQuery } from './from-query.ts';

const MODES = [
  'accesssharelock',
  'rowsharelock',
  'rowexclusivelock',
  'shareupdateexclusivelock',
  'sharelock',
  'sharerowexclusivelock',
  'exclusivelock',
  'accessexclusivelock',
  'sireadlock',
];

/** Locks of every database by mode, also the modes that nobody holds. */
export const locks = fromQuery({
  name: 'locks',
  scope: 'server',
  prefix: 'pg_locks_',
  labels: ['datname', 'mode'],
  sql: () => `
    select d.datname, m.mode, coalesce(l.count, 0) as count
    from pg_database d
    cross join unnest(array[${MODES.map((mode) => `'${mode}'`).join(', ')}]) as m (mode)
    left join (
      select database, lower(mode) as mode, count(*) as count from pg_locks where database is not null group by 1, 2
    ) l on l.database = d.oid and l.mode = m.mode`,
});
