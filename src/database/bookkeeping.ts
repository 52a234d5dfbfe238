import { type Kysely, sql } from 'kysely';
import { codeOf } from '../core/errors.ts';
import { quoteLiteral } from '../postgres/connect.ts';

/** structdb's own tables live here, so that schema public holds the seven tables of the platform and nothing else. */
export const BOOKKEEPING_SCHEMA = 'structdb';

/** What was recorded when a migration was applied. */
export interface MigrationRecord {
  readonly name: string;
  /** The statements as they were sent, and their SHA-256. */
  readonly sql: string;
  readonly checksum: string;
  /** `in transaction`: since the transaction began that records it, by the server's clock. */
  readonly durationMs: number | 'in transaction';
  readonly toolVersion: string;
}

export interface AppliedMigration {
  readonly name: string;
  readonly appliedAt: Date;
  /** null where another tool applied it: only its name and time are known then. */
  readonly record: {
    readonly checksum: string;
    readonly durationMs: number;
    readonly toolVersion: string;
    readonly appliedBy: string;
  } | null;
}

/**
 * Creates what is missing, in one round trip: structdb's tables, and kysely's as its Migrator would make them, so that
 * `kysely migrate` finds its own. Needs CREATE on the database the first time only.
 */
export async function ensureBookkeeping(db: Kysely<unknown>): Promise<void> {
  await sql`do $$
begin
  if to_regnamespace('structdb') is null then
    create schema structdb;
  end if;
  if to_regclass('structdb.migrations') is null then
    create table structdb.migrations (
      name text not null,
      checksum text not null,
      sql text not null,
      duration_ms double precision not null,
      tool_version text not null,
      applied_by text not null default session_user,
      applied_at timestamptz not null default now(),
      constraint migrations_pkey primary key (name)
    );
  end if;
  if to_regclass('structdb.kysely_migration') is null then
    create table structdb.kysely_migration (
      name varchar(255) not null primary key,
      "timestamp" varchar(255) not null
    );
  end if;
  if to_regclass('structdb.kysely_migration_lock') is null then
    create table structdb.kysely_migration_lock (
      id varchar(255) not null primary key,
      is_locked integer default 0 not null
    );
  end if;
  if not exists (select from structdb.kysely_migration_lock where id = 'migration_lock') then
    insert into structdb.kysely_migration_lock (id) values ('migration_lock');
  end if;
  if to_regclass('structdb.dashboard_refreshes') is null then
    create table structdb.dashboard_refreshes (
      view_name text not null,
      refreshed_at timestamptz not null,
      duration_ms double precision not null,
      constraint dashboard_refreshes_pkey primary key (view_name)
    );
  end if;
end $$`.execute(db);
}

/**
 * The statement that records an applied migration in both books: kysely's row is there exactly when ours is. A row of
 * ours without kysely's (of a run of an older structdb that was killed between the two) is written over. Kysely orders by
 * timestamp, an ISO 8601 text in UTC: it is later than any before, also when a clock was set back.
 */
export function recordStatement({ name, checksum, sql, durationMs, toolVersion }: MigrationRecord): string {
  const duration =
    durationMs === 'in transaction'
      ? 'extract(epoch from clock_timestamp() - transaction_timestamp()) * 1000'
      : String(durationMs);
  const values = [name, checksum, sql].map(quoteLiteral).join(', ');
  return `with ours as (
      insert into structdb.migrations (name, checksum, sql, duration_ms, tool_version)
      values (${values}, ${duration}, ${quoteLiteral(toolVersion)})
      on conflict (name) do update set checksum = excluded.checksum, sql = excluded.sql,
        duration_ms = excluded.duration_ms, tool_version = excluded.tool_version,
        applied_by = session_user, applied_at = now()
    )
    insert into structdb.kysely_migration (name, "timestamp")
    select ${quoteLiteral(name)}, to_char(
      greatest(clock_timestamp(), max("timestamp" collate "C")::timestamptz + interval '1 millisecond') at time zone 'utc',
      'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    from structdb.kysely_migration`;
}

/** The statement that forgets a migration that was taken back, in both books. */
export function forgetStatement(name: string): string {
  return `with ours as (delete from structdb.migrations where name = ${quoteLiteral(name)})
    delete from structdb.kysely_migration where name = ${quoteLiteral(name)}`;
}

/** Every applied migration in the order of application; none when nothing was ever migrated. Writes nothing. */
export async function readAppliedMigrations(db: Kysely<unknown>): Promise<AppliedMigration[]> {
  const { rows } = await readRows(db);
  return rows.map((row) => ({
    name: row.name,
    appliedAt: new Date(row.timestamp),
    record:
      row.checksum === null
        ? null
        : {
            checksum: row.checksum,
            durationMs: Number(row.duration_ms),
            toolVersion: row.tool_version!,
            appliedBy: row.applied_by!,
          },
  }));
}

interface Row {
  readonly name: string;
  readonly timestamp: string;
  readonly checksum: string | null;
  readonly duration_ms: string | null;
  readonly tool_version: string | null;
  readonly applied_by: string | null;
}

async function readRows(db: Kysely<unknown>): Promise<{ rows: Row[] }> {
  try {
    return await sql<Row>`select k.name, k.timestamp, m.checksum, m.duration_ms, m.tool_version, m.applied_by
      from structdb.kysely_migration k left join structdb.migrations m on m.name = k.name
      order by k.timestamp, k.name`.execute(db);
  } catch (error) {
    // 42P01 undefined table, also for a schema that is not there: nothing was migrated by structdb.
    if (codeOf(error) === '42P01' || codeOf(error) === '3F000') return { rows: [] };
    throw error;
  }
}
