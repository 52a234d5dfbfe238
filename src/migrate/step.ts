import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Runs one migration, made by `recorded`, which keeps the books: as one transaction with them, or statement by statement. */
export async function runStep(
  db: Kysely<unknown>,
  migration: Migration,
  direction: 'Up' | 'Down',
  transactional: boolean,
): Promise<void> {
  const run = (session: Kysely<unknown>) =>
    direction === 'Up' ? migration.up(session) : (migration.down?.(session) ?? Promise.resolve());
  if (!transactional) return run(db);
  await db.transaction().execute(run);
}
