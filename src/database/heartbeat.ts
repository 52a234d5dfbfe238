import type pg from 'pg';

/** How often the heartbeat is written. */
export const HEARTBEAT_MS = 10_000;

/**
 * Makes `structdb.heartbeat`, one row that says when the database was last alive: a recovered copy shows by it how far
 * it got. False where the role may not make it and it is not there.
 */
export async function ensureHeartbeat(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean; recovering: boolean; may: boolean }>(
    `select to_regclass('structdb.heartbeat') is not null as there, pg_is_in_recovery() as recovering,
            case when to_regnamespace('structdb') is null
                 then has_database_privilege(current_database(), 'create')
                 else has_schema_privilege('structdb', 'create') end as may`,
  );
  const { there, recovering, may } = rows[0]!;
  if (recovering || (!there && !may)) return false;
  if (there) {
    const writable = await client.query<{ may: boolean }>(
      `select has_table_privilege('structdb.heartbeat', 'insert') and has_table_privilege('structdb.heartbeat', 'update') as may`,
    );
    return writable.rows[0]!.may;
  }
  await client.query('create schema if not exists structdb');
  await client.query(
    `create table if not exists structdb.heartbeat (
       id integer not null default 1,
       beat_at timestamptz not null,
       constraint heartbeat_pkey primary key (id),
       constraint heartbeat_one_row check (id = 1)
     )`,
  );
  return true;
}

/** Writes the row, by the server's clock. */
export async function beat(client: pg.ClientBase): Promise<void> {
  await client.query(
    `insert into structdb.heartbeat (id, beat_at) values (1, clock_timestamp())
     on conflict (id) do update set beat_at = excluded.beat_at`,
  );
}

/** When the heartbeat was written last; undefined without one. */
export async function readHeartbeat(client: pg.ClientBase): Promise<Date | undefined> {
  const { rows: there } = await client.query<{ there: boolean }>(
    `select to_regclass('structdb.heartbeat') is not null as there`,
  );
  if (!there[0]!.there) return undefined;
  const { rows } = await client.query<{ at: Date }>('select max(beat_at) as at from structdb.heartbeat');
  return rows[0]?.at ?? undefined;
}
