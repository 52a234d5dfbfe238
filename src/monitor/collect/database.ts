import type { Sample } from '../metrics/metric.ts';
import type { Collector } from './collector.ts';
import { fromQuery } from './from-query.ts';

/** Size and connection limit of every database. A size needs the right to connect, or pg_read_all_stats. */
export const database: Collector = {
  name: 'database',
  scope: 'server',
  async collect(ask) {
    const { rows } = await ask(
      'database',
      `select datname, datconnlimit,
         case when has_database_privilege(oid, 'connect') or pg_has_role('pg_read_all_stats', 'usage')
           then pg_database_size(oid) end
       from pg_database`,
    );
    const samples: Sample[] = [];
    const problems: string[] = [];
    for (const [datname, limit, size] of rows) {
      const labels = { datname: datname! };
      if (limit !== null) samples.push({ name: 'pg_database_connection_limit', labels, value: Number(limit) });
      if (size !== null) samples.push({ name: 'pg_database_size_bytes', labels, value: Number(size) });
      else problems.push(`the size of "${datname}" needs the role pg_monitor`);
    }
    return { samples, problems };
  },
};

/** How many transactions ago the oldest row was frozen. The names say seconds; the values are transactions, as upstream. */
export const databaseWraparound = fromQuery({
  name: 'database_wraparound',
  scope: 'server',
  prefix: 'pg_database_wraparound_',
  labels: ['datname'],
  sql: () => `
    select datname, age(datfrozenxid) as age_datfrozenxid_seconds, mxid_age(datminmxid) as age_datminmxid_seconds
    from pg_database where datallowconn`,
});
