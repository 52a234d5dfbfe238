import { type Kysely, sql } from 'kysely';

/**
 * Takes ACCESS EXCLUSIVE on several tables without ever holding one while waiting long for the next.
 *
 * Writers lock these tables in both orders (an insert into project_events locks projects for its foreign key, a
 * transaction may touch projects first), so no order of ours is free of deadlocks. Each try waits a quarter of a second
 * per table, well under deadlock_timeout; when it fails, the subtransaction gives back what it had and the writers go on.
 */
export async function lockTables(db: Kysely<unknown>, tables: readonly string[]): Promise<void> {
  const list = tables.map((table) => `public.${table}`).join(', ');
  await sql
    .raw(`do $$
declare
  former constant text := current_setting('lock_timeout');
  patience constant timestamptz := clock_timestamp() + interval '60 seconds';
begin
  loop
    begin
      perform set_config('lock_timeout', '250ms', true);
      lock table ${list} in access exclusive mode;
      exit;
    exception when lock_not_available or deadlock_detected then
      if clock_timestamp() > patience then
        raise lock_not_available using
          message = 'could not lock ${tables.join(', ')} within 60 seconds',
          hint = 'Long transactions use these tables: see pg_stat_activity, then run the migration again.';
      end if;
      perform pg_sleep(0.05 + random() * 0.1);
    end;
  end loop;
  perform set_config('lock_timeout', former, true);
end $$`)
    .execute(db);
}
