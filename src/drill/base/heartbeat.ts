import type pg from 'pg';

/** structdb.heartbeat: one row, written every ten seconds where that is enabled. undefined where there is none. */
export async function readHeartbeat(client: pg.ClientBase): Promise<Date | undefined> {
  const { rows: columns } = await client.query<{ column: string }>(
    `select quote_ident(attname) as column from pg_attribute
      where attrelid = to_regclass('structdb.heartbeat') and atttypid = 'timestamptz'::regtype and attnum > 0
        and not attisdropped order by attnum limit 1`,
  );
  const column = columns[0]?.column;
  if (column === undefined) return undefined;
  const { rows } = await client.query<{ at: Date | null }>(`select max(${column}) as at from structdb.heartbeat`);
  return rows[0]?.at ?? undefined;
}
