import type { Sample } from '../metrics/metric.ts';
import type { Collector } from './collector.ts';
import { fromQuery } from './from-query.ts';

const BY_TABLE = ['datname', 'schemaname', 'relname'];
const time = (column: string) => `coalesce(floor(extract(epoch from ${column})), 0) as ${column}`;

/** How tables are used and looked after. It reads statistics only, for which no table is locked. */
export const statUserTables = fromQuery({
  name: 'stat_user_tables',
  scope: 'database',
  prefix: 'pg_stat_user_tables_',
  labels: BY_TABLE,
  sql: () => `
    select current_database() as datname, schemaname, relname, seq_scan, seq_tup_read, coalesce(idx_scan, 0) as idx_scan,
      coalesce(idx_tup_fetch, 0) as idx_tup_fetch, n_tup_ins, n_tup_upd, n_tup_del, n_tup_hot_upd, n_live_tup, n_dead_tup,
      n_mod_since_analyze, ${time('last_vacuum')}, ${time('last_autovacuum')}, ${time('last_analyze')},
      ${time('last_autoanalyze')}, vacuum_count, autovacuum_count, analyze_count, autoanalyze_count
    from pg_stat_user_tables`,
});

/** Blocks of tables that were found in shared buffers, and that were not. */
export const statioUserTables = fromQuery({
  name: 'statio_user_tables',
  scope: 'database',
  prefix: 'pg_statio_user_tables_',
  labels: BY_TABLE,
  sql: () => `
    select current_database() as datname, schemaname, relname,
      heap_blks_read as heap_blocks_read, heap_blks_hit as heap_blocks_hit,
      coalesce(idx_blks_read, 0) as idx_blocks_read, coalesce(idx_blks_hit, 0) as idx_blocks_hit,
      coalesce(toast_blks_read, 0) as toast_blocks_read, coalesce(toast_blks_hit, 0) as toast_blocks_hit,
      coalesce(tidx_blks_read, 0) as tidx_blocks_read, coalesce(tidx_blks_hit, 0) as tidx_blocks_hit
    from pg_statio_user_tables`,
});

/** The same of each index. */
export const statioUserIndexes = fromQuery({
  name: 'statio_user_indexes',
  scope: 'database',
  prefix: 'pg_statio_user_indexes_',
  labels: [...BY_TABLE, 'indexrelname'],
  sql: () => `
    select current_database() as datname, schemaname, relname, indexrelname, idx_blks_read as idx_blks_read_total,
      idx_blks_hit as idx_blks_hit_total
    from pg_statio_user_indexes`,
});

/**
 * What tables and their indexes take on disk. PostgreSQL locks a table to measure it, so that one ALTER TABLE would hold up
 * every scrape: tables that somebody locks whole, or waits to, are left out, with their name.
 */
export const tableSizes: Collector = {
  name: 'table_sizes',
  scope: 'database',
  async collect(ask, { database }) {
    const { rows } = await ask(
      'table_sizes',
      `with held as materialized (
         select relation from pg_locks
         where mode = 'AccessExclusiveLock' and locktype = 'relation'
           and database = (select oid from pg_database where datname = current_database())
       ), locked as materialized (
         select relation from held
         union select i.indrelid from pg_index i join held on held.relation = i.indexrelid
         union select t.oid from pg_class t join held on held.relation = t.reltoastrelid
       )
       select n.nspname, c.relname,
         case when locked.relation is null then pg_indexes_size(c.oid) end,
         case when locked.relation is null then pg_table_size(c.oid) end, locked.relation is not null
       from pg_class c
       join pg_namespace n on n.oid = c.relnamespace
       left join locked on locked.relation = c.oid
       where c.relkind in ('r', 't', 'm', 'p') and n.nspname not in ('pg_catalog', 'information_schema')
         and n.nspname !~ '^pg_toast'`,
    );
    const samples: Sample[] = [];
    const locked: string[] = [];
    for (const [schemaname, relname, indexSize, tableSize, isLocked] of rows) {
      if (isLocked === 't') locked.push(`${schemaname}.${relname}`);
      // A table that was dropped meanwhile has no size.
      if (indexSize === null || tableSize === null) continue;
      const labels = { datname: database, schemaname: schemaname!, relname: relname! };
      samples.push(
        { name: 'pg_stat_user_tables_index_size_bytes', labels, value: Number(indexSize) },
        { name: 'pg_stat_user_tables_table_size_bytes', labels, value: Number(tableSize) },
      );
    }
    const problems = locked.length === 0 ? [] : [`not measured, because somebody locks them: ${some(locked)}`];
    return { samples, problems };
  },
};

function some(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
}
