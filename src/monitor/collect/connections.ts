import type { Sample } from '../metrics/metric.ts';
import type { Collector } from './collector.ts';

/** The states of a client's connection that always have a series. */
const STATES = ['active', 'idle', 'idle in transaction', 'idle in transaction (aborted)'];

/**
 * Clients' connections by state, the exporter's own included, which takes a slot too; and how many users may have: what is
 * left after the slots that are reserved (reserved_connections came with 16).
 */
export const connections: Collector = {
  name: 'connections',
  scope: 'server',
  async collect(ask, { major }) {
    const reserved = major >= 16 ? "+ current_setting('reserved_connections')::int" : '';
    const { rows } = await ask(
      'connections',
      `select state, count(*) from pg_stat_activity where backend_type = 'client backend' group by state
       union all
       select 'limit', current_setting('max_connections')::int
         - (current_setting('superuser_reserved_connections')::int ${reserved})`,
    );
    const limit = Number(rows.at(-1)![1]);
    const byState = new Map(STATES.map((state) => [state, 0]));
    for (const [state, count] of rows.slice(0, -1)) byState.set(state ?? 'unknown', Number(count));
    const used = [...byState.values()].reduce((sum, count) => sum + count, 0);
    return {
      samples: [
        ...[...byState].map(([state, value]): Sample => ({ name: 'structdb_connections', labels: { state }, value })),
        { name: 'structdb_connections_limit', labels: {}, value: limit },
        { name: 'structdb_connection_utilisation_ratio', labels: {}, value: limit > 0 ? used / limit : 0 },
      ],
    };
  },
};
