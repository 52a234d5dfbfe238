import type pg from 'pg';
import { BOOKKEEPING_SCHEMA } from '../database/bookkeeping.ts';

/**
 * Takes the schema of the books out of the session's search path. PostgreSQL's default, `"$user", public`, begins with it
 * for a role that is named like it, as the private server's is: what a migration makes without naming a schema would be
 * among the books. A search path that somebody chose stays.
 */
export async function leaveBooksOut(client: pg.Client, role: string): Promise<void> {
  if (role !== BOOKKEEPING_SCHEMA) return;
  await client.query(
    `select set_config('search_path', 'public', false) where current_setting('search_path') = '"$user", public'`,
  );
}
