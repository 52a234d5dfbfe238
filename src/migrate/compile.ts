import { createHash } from 'node:crypto';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';
import { messageOf, StructdbError } from '../core/errors.ts';
import { redact } from '../core/redact.ts';
import { lineInStack } from './line-in-stack.ts';
import type { RegisteredMigration } from './registry.ts';

export type Direction = 'up' | 'down';

/**
 * The statements of a migration in their order, without a database: its conditions are in the SQL, so nothing depends
 * on what a query would answer.
 * @throws MIGRATION_FILES_INVALID for one that cannot bear that its queries answer nothing, or does not wait for them
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
  try {
    await migration[direction]?.(db);
  } catch (error) {
    throw unreadable(error, migration, direction);
  }
  const awaited = statements.length;
  // Nothing here takes longer than this turn of the event loop: what comes until its end was not waited for.
  await endOfTurn();
  if (statements.length > awaited) throw notAwaited(statements[awaited]!, migration, direction);
  return statements;
}

function unreadable(error: unknown, { source }: RegisteredMigration, direction: Direction): unknown {
  if (error instanceof StructdbError || source === undefined) return error;
  const line = lineInStack(error, source.file);
  const place = `${source.file}${line === undefined ? '' : `:${line}`}`;
  const reason = redact(messageOf(error)).replace(/\.$/, '');
  return new StructdbError(
    'MIGRATION_FILES_INVALID',
    `${place}: its ${direction} cannot be read without a database, where queries answer nothing: ${reason}.`,
    {
      cause: error,
      hint: 'Put the condition into the SQL (DO $$ … $$), so that plan, lint and checksum see all of it; or bear an empty answer.',
    },
  );
}

/** Some of it would run after the COMMIT, or not at all, and be recorded. */
function notAwaited(statement: string, { source }: RegisteredMigration, direction: Direction): StructdbError {
  const line = redact(statement).replace(/\s+/g, ' ');
  const shown = line.length > 100 ? `${line.slice(0, 100)}…` : line;
  return new StructdbError(
    'MIGRATION_FILES_INVALID',
    `${source?.file ?? 'A migration'}: its ${direction} ends without waiting for its query: ${shown}`,
    { hint: 'Put await before it; in a loop write for (… of …), because forEach waits for nothing.' },
  );
}

/** What is recorded as the migration's SQL, and printed by `plan`. */
export function joinStatements(statements: readonly string[]): string {
  return statements.map((statement) => `${statement};\n`).join('');
}

/** SHA-256 of the migration's SQL: comments and layout of the TypeScript around it do not count. */
export function checksumOf(sql: string): string {
  return createHash('sha256').update(sql, 'utf8').digest('hex');
}
