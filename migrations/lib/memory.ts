import { type Kysely, sql } from 'kysely';

/**
 * What a migration must remember so that its down can be exact: a former setting, an extension that it created itself.
 * Kept in schema structdb, which comparisons of "exactly as before" leave out.
 */
export async function ensureMemory(db: Kysely<unknown>): Promise<void> {
  await sql`create schema if not exists structdb`.execute(db);
  await sql`create table if not exists structdb.migration_memory (
    migration text not null,
    item text not null,
    value text,
    constraint migration_memory_pkey primary key (migration, item)
  )`.execute(db);
}
