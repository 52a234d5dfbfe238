import { m } from '../metric-name.ts';
import { DATABASE, INSTANCE, type TableSpec } from './panels.ts';

const by = 'by (datname, queryid)';
const grown = (name: Parameters<typeof m>[0]) => `sum ${by} (increase(${m(name, DATABASE)}[$__range]))`;
const calls = `(${grown('pg_stat_statements_calls_total')} > 0)`;
const seconds = grown('pg_stat_statements_seconds_total');
const mean = `${seconds} / ${calls}`;
/** Texts are told once, beside the numbers: joined by the number of the statement. */
const text = `* on (queryid) group_left (query) max by (queryid, query) (${m('pg_stat_statements_query_id', INSTANCE)})`;

/** Queries and columns of a table of the ten statements that take the most, each or together. */
export function slowQueries(order: 'mean' | 'total'): Pick<TableSpec, 'queries' | 'columns' | 'sortBy'> {
  const top = `and on (datname, queryid) topk(10, ${order === 'mean' ? mean : seconds})`;
  return {
    queries: [
      { expr: `((${mean}) ${top}) ${text}` },
      { expr: `(${seconds} ${top}) ${text}` },
      { expr: `(${calls} ${top}) ${text}` },
    ],
    columns: [
      { field: 'query', heading: 'Query' },
      { field: 'datname', heading: 'Database', width: 140 },
      { field: 'Value #A', heading: 'Mean', unit: 's', width: 110 },
      { field: 'Value #B', heading: 'Total', unit: 's', width: 110 },
      { field: 'Value #C', heading: 'Calls', unit: 'short', width: 110 },
    ],
    sortBy: order === 'mean' ? 'Mean' : 'Total',
  };
}
