import type { Kysely } from 'kysely';
import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { readAppliedMigrations } from '../database/bookkeeping.ts';
import { correctRecordedSql, readRecordedSql } from '../database/recorded-sql.ts';
import { checksumOf, compileMigration, joinStatements } from './compile.ts';
import type { MigrationAdapter } from './lock.ts';
import { resolve } from './plan/plan.ts';
import { namesOf, type Registry, registry as shipped } from './registry.ts';
import { DEFAULT_LOCK_WAIT_MS } from './run/run.ts';
import { withMigrator } from './session.ts';

export interface RepairOptions {
  readonly connection: ConnectionSettings;
  /** Applied migrations by name or leading number, or all that were edited. */
  readonly migrations: readonly string[] | 'all';
  readonly registry?: Registry;
  /** Milliseconds to wait for another run; 0 means not at all. */
  readonly lockWaitMs?: number;
  /** Only tells what would be changed: writes and locks nothing. */
  readonly dryRun?: boolean;
}

/** A record that becomes (or would become) that of the migration as it is now. */
export interface Repair {
  readonly name: string;
  /** SHA-256 as recorded, and of the migration now. */
  readonly recorded: string;
  readonly checksum: string;
  /** The first line of the SQL, counted from 1, that is another one; null when the SQL is the same. */
  readonly line: number | null;
  readonly before: string | null;
  readonly after: string | null;
}

export interface RepairResult {
  readonly database: string;
  readonly dryRun: boolean;
  readonly repaired: readonly Repair[];
  /** Named, and recorded as they are. */
  readonly unchanged: readonly string[];
  /** Named, but without a record: another tool applied them. Nothing is recorded for them. */
  readonly withoutChecksum: readonly string[];
}

/**
 * After a deliberate edit of an applied migration: the recorded SQL and checksum become those of the migration as it
 * is now. The schema is not touched, and nothing is recorded for a migration that is not applied.
 * @throws USAGE for a name that does not exist or is not applied, LOCKED
 */
export async function repair(options: RepairOptions, context: RunContext): Promise<RepairResult> {
  const { connection, dryRun = false, lockWaitMs = DEFAULT_LOCK_WAIT_MS } = options;
  return withMigrator(connection, lockWaitMs, context, async ({ db }) => {
    const result = ({ sqlOf: _, ...found }: Found): RepairResult =>
      Object.freeze({ database: connection.database, dryRun, ...found });
    if (dryRun) return result(await findRepairs(db, options));
    const adapter = db.getExecutor().adapter as MigrationAdapter;
    await adapter.acquireMigrationLock(db);
    try {
      const found = await findRepairs(db, options);
      await db.transaction().execute(async (transaction) => {
        for (const { name, checksum } of found.repaired) {
          await correctRecordedSql(transaction, { name, checksum, sql: found.sqlOf.get(name)! });
        }
      });
      return result(found);
    } finally {
      await adapter.releaseMigrationLock(db);
    }
  });
}

interface Found extends Pick<RepairResult, 'repaired' | 'unchanged' | 'withoutChecksum'> {
  /** Of the repaired ones, as it is now. */
  readonly sqlOf: ReadonlyMap<string, string>;
}

async function findRepairs(
  db: Kysely<unknown>,
  { migrations, registry = shipped }: Pick<RepairOptions, 'migrations' | 'registry'>,
): Promise<Found> {
  const all = namesOf(registry);
  const applied = new Set((await readAppliedMigrations(db)).map(({ name }) => name));
  const wanted = migrations === 'all' ? undefined : new Set(migrations.map((wish) => resolve(wish, all)));
  for (const name of wanted ?? []) if (!applied.has(name)) throw notApplied(name);
  const recorded = await readRecordedSql(db);
  const found = {
    repaired: [] as Repair[],
    unchanged: [] as string[],
    withoutChecksum: [] as string[],
    sqlOf: new Map<string, string>(),
  };
  for (const name of all.filter((candidate) => applied.has(candidate) && (wanted?.has(candidate) ?? true))) {
    const record = recorded.get(name);
    const sql = joinStatements(await compileMigration(registry[name]!, 'up'));
    const checksum = checksumOf(sql);
    if (record === undefined) found.withoutChecksum.push(name);
    else if (record.checksum === checksum && record.sql === sql) found.unchanged.push(name);
    else {
      found.repaired.push({ name, recorded: record.checksum, checksum, ...firstOtherLine(record.sql, sql) });
      found.sqlOf.set(name, sql);
    }
  }
  return found;
}

/** Where two texts part. */
export function firstOtherLine(before: string, after: string): Pick<Repair, 'line' | 'before' | 'after'> {
  if (before === after) return { line: null, before: null, after: null };
  const [old, now] = [before.split('\n'), after.split('\n')];
  const differing = old.findIndex((line, index) => line !== now[index]);
  const at = differing < 0 ? old.length : differing;
  return { line: at + 1, before: old[at] ?? null, after: now[at] ?? null };
}

function notApplied(name: string): StructdbError {
  return new StructdbError('USAGE', `Migration ${name} is not applied: there is no record to repair.`, {
    hint: 'Run: structdb migrate status',
  });
}
