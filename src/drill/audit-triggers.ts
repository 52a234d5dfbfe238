import type pg from 'pg';
import { codeOf, messageOf } from '../core/errors.ts';
import { IMMUTABLE_TABLES, REFUSING_FUNCTION } from '../database/audit-triggers.ts';
import { type Check, check, type TableName } from './checks.ts';

/** What the triggers raise (migration 001): restrict_violation. Any other error is no refusal. */
const REFUSAL = '23001';
const CANCELLED = '57014';

/**
 * The audit triggers of the restored copy: present, ENABLEd ALWAYS, and really refusing UPDATE, DELETE and TRUNCATE,
 * also where replication would skip ordinary triggers. Everything tried is rolled back.
 */
export async function checkAuditTriggers(client: pg.Client, there: readonly TableName[]): Promise<Check> {
  const tables = IMMUTABLE_TABLES.filter((table) =>
    there.some(({ schema, name }) => schema === 'public' && name === table),
  );
  const problems: string[] = [];
  for (const table of tables) {
    problems.push(...(await disabledTriggers(client, table)));
    problems.push(...(await acceptedStatements(client, table)));
  }
  const good =
    tables.length === 0
      ? 'the database has no table that must not change'
      : `${tables.join(' and ')} refuse UPDATE, DELETE and TRUNCATE`;
  return check('audit triggers', good, problems);
}

/** Others of the same table (a check of what is inserted) may stay silent on replicas. */
async function disabledTriggers(client: pg.Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select tgname as name from pg_trigger
      where tgrelid = ('public.' || quote_ident($1))::regclass and tgenabled <> 'A'
        and tgfoid = to_regproc($2)`,
    [table, REFUSING_FUNCTION],
  );
  return rows.map(({ name }) => `trigger ${name} on public.${table} is not ENABLEd ALWAYS`);
}

async function acceptedStatements(client: pg.Client, table: string): Promise<string[]> {
  const statements = {
    UPDATE: `update public.${table} set project_id = project_id where false`,
    DELETE: `delete from public.${table} where false`,
    TRUNCATE: `truncate public.${table} cascade`,
  };
  const accepted: string[] = [];
  for (const [verb, statement] of Object.entries(statements)) {
    await client.query('savepoint refused');
    await client.query('set local session_replication_role = replica');
    const error = await client.query(statement).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    await client.query('rollback to savepoint refused');
    if (error === undefined) accepted.push(`public.${table} accepts ${verb}`);
    else if (codeOf(error) === CANCELLED) throw error;
    else if (codeOf(error) !== REFUSAL) accepted.push(`public.${table} answers ${verb} with: ${messageOf(error)}`);
  }
  return accepted;
}
