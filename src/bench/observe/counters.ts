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
  /** How often each was read whole. */
  readonly scansOfTable: Readonly<Record<string, number>>;
}

/** Fewer blocks than this say nothing about a rate. */
export const BLOCK_FLOOR = 1000;

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
       'indexHits', coalesce(sum(coalesce(idx_blks_hit, 0)), 0),
       'indexReads', coalesce(sum(coalesce(idx_blks_read, 0)), 0),
       'hits', coalesce(sum(coalesce(heap_blks_hit, 0) + coalesce(idx_blks_hit, 0) + coalesce(toast_blks_hit, 0) + coalesce(tidx_blks_hit, 0)), 0),
       'reads', coalesce(sum(coalesce(heap_blks_read, 0) + coalesce(idx_blks_read, 0) + coalesce(toast_blks_read, 0) + coalesce(tidx_blks_read, 0)), 0),
       'indexScans', (select coalesce(sum(coalesce(idx_scan, 0)), 0) from pg_stat_user_tables where schemaname = 'public'),
       'tableScans', (select coalesce(sum(coalesce(seq_scan, 0)), 0) from pg_stat_user_tables where schemaname = 'public'),
       'scansOfIndex', (select coalesce(jsonb_object_agg(indexrelname, idx_scan), '{}') from pg_stat_user_indexes where schemaname = 'public'),
       'scansOfTable', (select coalesce(jsonb_object_agg(relname, coalesce(seq_scan, 0)), '{}') from pg_stat_user_tables where schemaname = 'public')
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
  readonly scansOfTable: Readonly<Record<string, number>>;
  /** Somebody reset the statistics meanwhile: what was counted is worth nothing. */
  readonly reset: boolean;
}

const SUMS = ['indexHits', 'indexReads', 'hits', 'reads', 'indexScans', 'tableScans'] as const;
const EACH = ['scansOfIndex', 'scansOfTable'] as const;

/** What was counted between two readings, or in several such spans. */
export type Span = Omit<Counters, 'resetAt'> & { readonly reset: boolean };

export function spanOf(before: Counters, after: Counters): Span {
  const minus = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(a).map(([name, count]) => [name, count - (b[name] ?? 0)]));
  const span = {
    ...(Object.fromEntries(SUMS.map((name) => [name, after[name] - before[name]])) as Pick<
      Span,
      (typeof SUMS)[number]
    >),
    scansOfIndex: minus(after.scansOfIndex, before.scansOfIndex),
    scansOfTable: minus(after.scansOfTable, before.scansOfTable),
  };
  // A reset of one table alone, or after a crash, shows in a count that fell.
  const fell = [...SUMS.map((name) => span[name]), ...EACH.flatMap((name) => Object.values(span[name]))];
  return { ...span, reset: before.resetAt !== after.resetAt || fell.some((count) => count < 0) };
}

export function addSpans(a: Span, b: Span): Span {
  const plus = (x: Readonly<Record<string, number>>, y: Readonly<Record<string, number>>) =>
    Object.fromEntries(
      [...new Set([...Object.keys(x), ...Object.keys(y)])].map((name) => [name, (x[name] ?? 0) + (y[name] ?? 0)]),
    );
  return {
    ...(Object.fromEntries(SUMS.map((name) => [name, a[name] + b[name]])) as Pick<Span, (typeof SUMS)[number]>),
    scansOfIndex: plus(a.scansOfIndex, b.scansOfIndex),
    scansOfTable: plus(a.scansOfTable, b.scansOfTable),
    reset: a.reset || b.reset,
  };
}

export function hitRates(span: Span): HitRates {
  const { reset } = span;
  const rate = (part: number, others: number, floor: number) =>
    reset || part + others < floor ? null : part / (part + others);
  const sorted = (counts: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(counts).toSorted(([a], [b]) => a.localeCompare(b)));
  return {
    indexHitRate: rate(span.indexHits, span.indexReads, BLOCK_FLOOR),
    cacheHitRate: rate(span.hits, span.reads, BLOCK_FLOOR),
    indexUsage: rate(span.indexScans, span.tableScans, 1),
    blocks: span.hits + span.reads,
    scansOfIndex: sorted(span.scansOfIndex),
    scansOfTable: sorted(span.scansOfTable),
    reset,
  };
}
