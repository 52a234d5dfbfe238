import type { Kysely, KyselyPlugin } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import { toolVersion } from '../core/tool-version.ts';
import { forgetMigration, recordMigration } from '../database/bookkeeping.ts';
import { checksumOf, compileMigration, type Direction, joinStatements } from './compile.ts';
import { migrationFailure } from './failure.ts';
import { inDirection, isTransactional, type RegisteredMigration } from './registry.ts';
import { limitsOf, patientWith, withLimits } from './timeouts.ts';

/**
 * The migration as the Migrator runs it: it stops between two statements when asked to, says how far it is, names the
 * statement that failed, and is recorded (or forgotten) by the same transaction.
 */
export function recorded(
  name: string,
  registered: RegisteredMigration,
  context: RunContext,
  lockTimeoutMs: number,
  onFailure: (failure: unknown) => void,
): Migration {
  const run = async (db: Kysely<unknown>, direction: Direction) => {
    const migration = inDirection(registered, direction);
    const statements = await compileMigration(migration, direction);
    let done = 0;
    const watch: KyselyPlugin = {
      transformQuery: ({ node }) => {
        stopIfInterrupted(context);
        context.report({
          kind: 'progress',
          step: `migrate.${direction}`,
          done,
          total: statements.length,
          unit: 'items',
        });
        done += 1;
        return node;
      },
      transformResult: async ({ result }) => result,
    };
    try {
      const limits = patientWith(statements, migration, limitsOf(name, migration, lockTimeoutMs));
      await withLimits(db, migration, limits, () => migration[direction]!(db.withPlugin(watch)));
    } catch (error) {
      const failure = migrationFailure(error, {
        name,
        direction,
        statement: done,
        statements,
        transactional: isTransactional(migration),
        source: migration.source,
      });
      onFailure(failure);
      throw failure;
    }
    return statements;
  };
  const up = async (db: Kysely<unknown>) => {
    const started = context.clock.monotonicMs();
    const sql = joinStatements(await run(db, 'up'));
    const durationMs = context.clock.monotonicMs() - started;
    await recordMigration(db, { name, sql, checksum: checksumOf(sql), durationMs, toolVersion: toolVersion() });
  };
  if (registered.down === undefined) return { up };
  const down = async (db: Kysely<unknown>) => {
    await run(db, 'down');
    await forgetMigration(db, name);
  };
  return { up, down };
}
