import type { Sample } from '../metrics/metric.ts';
import type { Collector } from './collector.ts';
import { toSamples } from './from-query.ts';

const PREFIX = 'pg_stat_progress_vacuum_';

const PHASES = [
  'initializing',
  'scanning heap',
  'vacuuming indexes',
  'vacuuming heap',
  'cleaning up indexes',
  'truncating heap',
  'performing final cleanup',
];

/** How far each running VACUUM is. Tables of other databases go by their number: their names are told there only. */
export const statProgressVacuum: Collector = {
  name: 'stat_progress_vacuum',
  scope: 'server',
  async collect(ask, { major }) {
    // Since 17 the dead rows are kept in a form whose room is told in bytes.
    const deadTuples = major < 17 ? 'max_dead_tuples, num_dead_tuples' : 'num_dead_item_ids as num_dead_tuples';
    const { columns, rows } = await ask(
      'stat_progress_vacuum',
      `select phase, datname, case when datname = current_database() then relid::regclass::text else relid::text end as relname,
         heap_blks_total as heap_blks, heap_blks_scanned, heap_blks_vacuumed, index_vacuum_count as index_vacuums,
         ${deadTuples}
       from pg_stat_progress_vacuum`,
    );
    const counts = { columns: columns.slice(1), rows: rows.map((row) => row.slice(1)) };
    const phases = rows.flatMap(([current, datname, relname]): Sample[] =>
      PHASES.map((phase) => ({
        name: `${PREFIX}phase`,
        labels: { datname: datname ?? '', relname: relname ?? '', phase },
        value: phase === current ? 1 : 0,
      })),
    );
    return { samples: [...toSamples(counts, PREFIX, ['datname', 'relname']), ...phases] };
  },
};
