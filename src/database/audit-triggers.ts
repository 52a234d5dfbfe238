import type pg from 'pg';

/** Tables whose rows are never changed or removed (migration 001). */
export const IMMUTABLE_TABLES = ['project_events', 'project_payloads'] as const;

/** The function that their triggers call; it raises restrict_violation. */
export const REFUSING_FUNCTION = 'public.refuse_change';

/** A trigger that protects the audit log. */
export interface AuditTriggerState {
  readonly name: string;
  /** It is there, ENABLEd ALWAYS, fires before every statement that it was made for, and what it calls refuses. */
  readonly ok: boolean;
}

/**
 * The triggers that the tables of the database should have, each with whether it protects; none for a database without
 * these tables. Reads the catalog only: a drill tries the statements as well.
 */
export async function readAuditTriggers(client: pg.ClientBase): Promise<AuditTriggerState[]> {
  // pg_trigger.tgtype: 2 before, 8 delete, 16 update, 32 truncate, and without 1 once per statement (pg_trigger.h).
  const { rows } = await client.query<AuditTriggerState>(
    `select c.relname || '_' || want.suffix as name, coalesce(
              t.tgenabled = 'A' and t.tgfoid = to_regproc($2) and t.tgtype = want.type and t.tgqual is null
                and cardinality(t.tgattr::int2[]) = 0 and p.prosrc ~* '^\\s*begin\\s+raise\\s+exception\\s', false) as ok
       from pg_catalog.pg_class c
       cross join (values ('refuse_change', 26), ('refuse_truncate', 34)) as want (suffix, type)
       left join pg_catalog.pg_trigger t on t.tgrelid = c.oid and t.tgname = c.relname || '_' || want.suffix
       left join pg_catalog.pg_proc p on p.oid = t.tgfoid
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname = any($1)
      order by 1`,
    [[...IMMUTABLE_TABLES], REFUSING_FUNCTION],
  );
  return rows;
}
