import { createHash } from 'node:crypto';
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';
import type { RegisteredMigration } from './registry.ts';

export type Direction = 'up' | 'down';

/**
 * The statements of a migration in their order, without a database: its conditions are in the SQL, so nothing depends
 * on what a query would answer.
 */
export async function compileMigration(migration: RegisteredMigration, direction: Direction): Promise<string[]> {
  if (migration.statements) return [...migration.statements[direction]];
  const statements: string[] = [];
  const db = new Kysely<unknown>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (kysely) => new PostgresIntrospector(kysely),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    log: ({ query }) => {
      const values = query.parameters.length > 0 ? `\n-- ${JSON.stringify(query.parameters)}` : '';
      statements.push(`${query.sql}${values}`);
    },
  });
  await migration[direction]?.(db);
  return statements;
}

/** What is recorded as the migration's SQL, and printed by `plan`. */
export function joinStatements(statements: readonly string[]): string {
  return statements.map((statement) => `${statement};\n`).join('');
}

/** SHA-256 of the migration's SQL: comments and layout of the TypeScript around it do not count. */
export function checksumOf(sql: string): string {
  return createHash('sha256').update(sql, 'utf8').digest('hex');
}
