import type pg from 'pg';

/** What the server has counted for the tables of schema public since its statistics were last reset. */
export interface Counters {
  readonly resetAt: string;
  readonly indexHits: number;
  readonly indexReads: number;
  readonly hits: number;
  readonly reads: number;
  readonly indexScans: number;
  readonly tableScans: number;
  readonly scansOfIndex: Readonly<Record<string, number>>;
}

/** Fewer blocks than this say nothing about a rate. */
const BLOCK_FLOOR = 1000;

/**
 * Makes every session of the pool hand in its counters. A session does that by itself up to a minute later, and no
 * other session can do it in its place (manual, "Viewing Statistics"; pg_stat_force_next_flush, PostgreSQL ≥ 15).
 */
export async function drain(pool: pg.Pool, sessions: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: sessions }, () => pool.connect()));
  try {
    await Promise.all(clients.map((client) => client.query('select pg_stat_force_next_flush()')));
  } finally {
    for (const client of clients) client.release();
  }
}

/** One statement outside a transaction, so that nothing is cached from before. */
export async function readCounters(client: pg.Client): Promise<Counters> {
  await client.query('select pg_stat_clear_snapshot()');
  const { rows } = await client.query<{ counters: Counters }>(
    `select jsonb_build_object(
       'resetAt', coalesce((select stats_reset::text from pg_stat_database where datname = current_database()), ''),
       'indexHits', sum(coalesce(idx_blks_hit, 0)),
       'indexReads', sum(coalesce(idx_blks_read, 0)),
       'hits', sum(coalesce(heap_blks_hit, 0) + coalesce(idx_blks_hit, 0) + coalesce(toast_blks_hit, 0) + coalesce(tidx_blks_hit, 0)),
       'reads', sum(coalesce(heap_blks_read, 0) + coalesce(idx_blks_read, 0) + coalesce(toast_blks_read, 0) + coalesce(tidx_blks_read, 0)),
       'indexScans', (select sum(coalesce(idx_scan, 0)) from pg_stat_user_tables where schemaname = 'public'),
       'tableScans', (select sum(coalesce(seq_scan, 0)) from pg_stat_user_tables where schemaname = 'public'),
       'scansOfIndex', (select jsonb_object_agg(indexrelname, idx_scan) from pg_stat_user_indexes where schemaname = 'public')
     ) as counters
     from pg_statio_user_tables where schemaname = 'public'`,
  );
  return rows[0]!.counters;
}

export interface HitRates {
  /** Index blocks found in shared buffers, 0 to 1; null when too few blocks were asked for, or the counters were reset. */
  readonly indexHitRate: number | null;
  /** All blocks (tables, indexes, TOAST) found in shared buffers, 0 to 1; null as above. */
  readonly cacheHitRate: number | null;
  /** Index scans among all scans. Reported, not judged: an aggregation over all rows reads its table by right. */
  readonly indexUsage: number | null;
  readonly blocks: number;
  readonly scansOfIndex: Readonly<Record<string, number>>;
}

/** The rates of what happened between two readings. */
export function hitRates(before: Counters, after: Counters): HitRates {
  const reset = before.resetAt !== after.resetAt;
  const delta = (name: 'indexHits' | 'indexReads' | 'hits' | 'reads' | 'indexScans' | 'tableScans') =>
    after[name] - before[name];
  const rate = (hits: number, others: number, floor: number) =>
    reset || hits + others < floor ? null : hits / (hits + others);
  return {
    indexHitRate: rate(delta('indexHits'), delta('indexReads'), BLOCK_FLOOR),
    cacheHitRate: rate(delta('hits'), delta('reads'), BLOCK_FLOOR),
    indexUsage: rate(delta('indexScans'), delta('tableScans'), 1),
    blocks: delta('hits') + delta('reads'),
    scansOfIndex: Object.fromEntries(
      Object.entries(after.scansOfIndex)
        .map(([name, scans]) => [name, scans - (before.scansOfIndex[name] ?? 0)] as const)
        .toSorted(([a], [b]) => a.localeCompare(b)),
    ),
  };
}
