import { type Kysely, sql } from 'kysely';
import type { MigrationConfig, RegisteredMigration } from '../../src/migrate/registry.ts';

/** A migration of plain statements. */
export function statements(
  up: string | readonly string[],
  { down, ...config }: MigrationConfig & { readonly down?: string | readonly string[] } = {},
): RegisteredMigration {
  const run = (texts: string | readonly string[]) => async (db: Kysely<unknown>) => {
    for (const text of [texts].flat()) await sql.raw(text).execute(db);
  };
  return { up: run(up), ...(down === undefined ? {} : { down: run(down) }), config };
}
