import { type Kysely, sql } from 'kysely';

/** A constraint with its name and definition, as they stand after ADD CONSTRAINT. */
export interface ConstraintDefinition {
  readonly table: string;
  readonly name: string;
  readonly definition: string;
}

/**
 * Adds a constraint NOT VALID when it is not there: it binds new rows at once and holds its lock for a moment only.
 * PostgreSQL has no ADD CONSTRAINT IF NOT EXISTS, hence the block.
 */
export async function addConstraint(db: Kysely<unknown>, constraint: ConstraintDefinition): Promise<void> {
  const { table, name, definition } = constraint;
  await sql
    .raw(`do $$
begin
  if not exists (
    select from pg_catalog.pg_constraint
    where conrelid = 'public.${table}'::regclass and conname = '${name}'
  ) then
    alter table public.${table} add constraint ${name} ${definition} not valid;
  end if;
end $$`)
    .execute(db);
}

/** Checks the rows that were there before; does nothing when that was done. Readers and writers go on. */
export async function validateConstraint(
  db: Kysely<unknown>,
  { table, name }: Pick<ConstraintDefinition, 'table' | 'name'>,
): Promise<void> {
  await sql.raw(`alter table public.${table} validate constraint ${name}`).execute(db);
}
