import { type Kysely, sql } from 'kysely';

/** An index built while readers and writers go on. */
export interface IndexDefinition {
  readonly name: string;
  readonly unique?: true;
  /** Table, columns and condition, as they follow ON. */
  readonly on: string;
}

/**
 * Builds the indexes CONCURRENTLY; can be run again after any of its statements.
 *
 * A build that was killed leaves an INVALID index, which IF NOT EXISTS would keep: those are dropped first. A build waits
 * for older transactions and blocks nobody meanwhile, so the session's lock_timeout must not end it.
 */
export async function buildIndexes(db: Kysely<unknown>, indexes: readonly IndexDefinition[]): Promise<void> {
  await dropInvalidIndexes(db, indexes);
  await sql`set lock_timeout = 0`.execute(db);
  for (const { name, unique, on } of indexes) {
    await sql
      .raw(`create ${unique ? 'unique ' : ''}index concurrently if not exists ${name} on public.${on}`)
      .execute(db);
  }
  await sql`reset lock_timeout`.execute(db);
}

/** Drops the indexes CONCURRENTLY, the last built first; can be run again after any of its statements. */
export async function dropIndexes(db: Kysely<unknown>, indexes: readonly IndexDefinition[]): Promise<void> {
  await sql`set lock_timeout = 0`.execute(db);
  for (const { name } of indexes.toReversed()) {
    await sql.raw(`drop index concurrently if exists public.${name}`).execute(db);
  }
  await sql`reset lock_timeout`.execute(db);
}

/** Not CONCURRENTLY, which a block cannot do; an invalid index serves no query, so the lock is held for a moment only. */
async function dropInvalidIndexes(db: Kysely<unknown>, indexes: readonly IndexDefinition[]): Promise<void> {
  const names = indexes.map(({ name }) => `'${name}'`).join(', ');
  await sql
    .raw(`do $$
declare
  invalid text;
begin
  for invalid in
    select c.relname
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indexrelid
    where c.relnamespace = 'public'::regnamespace and c.relname in (${names}) and not i.indisvalid
  loop
    execute format('drop index public.%I', invalid);
  end loop;
end $$`)
    .execute(db);
}
