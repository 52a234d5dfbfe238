import { type Kysely, sql } from 'kysely';
import { quoteLiteral } from '../../postgres/connect.ts';

/** Takes back SET ROLE and SET SESSION AUTHORIZATION, in this order: the second has a role of its own. */
export const AS_ONESELF: readonly string[] = ['reset session authorization', 'reset role'];

/** What structdb itself sets after it has connected, so that RESET ALL would lose it. */
const SET_BY_STRUCTDB = ['search_path', 'client_connection_check_interval'];

/**
 * The statements that make the session again what it is now. What one migration leaves in it (a setting, a role, a temporary
 * table) must not reach the next: else it would matter whether both ran at once. Output of pg_dump, for one, empties the
 * search path.
 */
export async function sessionReset(db: Kysely<unknown>): Promise<string[]> {
  const { rows } = await sql<{ name: string; setting: string }>`
    select name, current_setting(name) as setting from unnest(${sql.val(SET_BY_STRUCTDB)}::text[]) as name`.execute(db);
  const again = rows.map(({ name, setting }) => `set_config('${name}', ${quoteLiteral(setting)}, false)`);
  return [...AS_ONESELF, 'reset all', 'discard temp', `select ${again.join(', ')}`];
}
