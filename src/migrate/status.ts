import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { type AppliedMigration, readAppliedMigrations } from '../database/bookkeeping.ts';
import { checksumOf, compileMigration, joinStatements } from './compile.ts';
import { isTransactional, namesOf, type RegisteredMigration, type Registry, registry as shipped } from './registry.ts';
import { hasWayBack } from './run/way-back.ts';
import { withMigrator } from './session.ts';

/**
 * `edited`: applied with other SQL than the migration has now. `missing file`: applied, but not among the migrations.
 * `out of order`: pending, although a later one is applied.
 */
export type MigrationState = 'applied' | 'pending' | 'edited' | 'missing file' | 'out of order';

export interface MigrationStatus {
  readonly name: string;
  readonly state: MigrationState;
  readonly transactional: boolean | null;
  readonly hasDown: boolean | null;
  /** ISO 8601 in UTC. */
  readonly appliedAt: string | null;
  readonly appliedBy: string | null;
  readonly durationMs: number | null;
  readonly toolVersion: string | null;
  /** SHA-256 of the SQL as it was applied; null when it is not applied, or was by another tool: then nothing can differ. */
  readonly checksum: string | null;
}

export interface StatusResult {
  readonly database: string;
  readonly current: string | null;
  readonly pending: readonly string[];
  readonly migrations: readonly MigrationStatus[];
}

/** Every migration with its state. Reads only: nothing is written, locked or created. */
export async function status(
  { connection, registry = shipped }: { readonly connection: ConnectionSettings; readonly registry?: Registry },
  context: RunContext,
): Promise<StatusResult> {
  const applied = await withMigrator(connection, 0, context, ({ db }) => readAppliedMigrations(db));
  const byName = new Map(applied.map((migration) => [migration.name, migration]));
  const names = [...new Set([...namesOf(registry), ...byName.keys()])].sort();
  const lastApplied = namesOf(registry).findLast((name) => byName.has(name)) ?? null;
  const migrations = await Promise.all(
    names.map((name) => statusOf(name, registry[name], byName.get(name), lastApplied)),
  );
  return Object.freeze({
    database: connection.database,
    current: lastApplied,
    pending: migrations.filter(isPending).map(({ name }) => name),
    migrations,
  });
}

/** What is wrong with a migration, in the words of a sentence. */
const BROKEN: Partial<Record<MigrationState, string>> = {
  edited: 'was edited after it was applied',
  'missing file': 'is applied, but not among the migrations',
  'out of order': 'is not applied, although a later one is',
};

/**
 * What `--check` answers: undefined when all is applied as it should be. A broken promise (a migration that was edited,
 * is missing or was skipped) weighs more than work to do. An applied migration without a checksum is no broken promise.
 */
export function judgeStatus({ migrations, pending }: StatusResult): StructdbError | undefined {
  const broken = migrations.filter(({ state }) => state in BROKEN);
  if (broken.length > 0) {
    const edited = broken.filter(({ state }) => state === 'edited').map(({ name }) => name);
    return new StructdbError('MIGRATION_CHANGED', 'The migrations do not match the database.', {
      details: broken.map(({ name, state }) => `${name} ${BROKEN[state]}`),
      hint:
        edited.length === broken.length
          ? `After a deliberate edit: structdb migrate repair ${edited.join(' ')}`
          : 'Use the structdb, or the folder of migrations, that applied them.',
    });
  }
  if (pending.length === 0) return undefined;
  return new StructdbError('MIGRATIONS_PENDING', `Waiting to be applied: ${pending.join(', ')}.`, {
    hint: 'Run: structdb migrate up',
  });
}

async function statusOf(
  name: string,
  migration: RegisteredMigration | undefined,
  applied: AppliedMigration | undefined,
  lastApplied: string | null,
): Promise<MigrationStatus> {
  return {
    name,
    state: await stateOf(name, migration, applied, lastApplied),
    transactional: migration ? isTransactional(migration) : null,
    hasDown: migration ? hasWayBack(migration) : null,
    appliedAt: applied?.appliedAt.toISOString() ?? null,
    appliedBy: applied?.record?.appliedBy ?? null,
    durationMs: applied?.record?.durationMs ?? null,
    toolVersion: applied?.record?.toolVersion ?? null,
    checksum: applied?.record?.checksum ?? null,
  };
}

async function stateOf(
  name: string,
  migration: RegisteredMigration | undefined,
  applied: AppliedMigration | undefined,
  lastApplied: string | null,
): Promise<MigrationState> {
  if (!migration) return 'missing file';
  if (!applied) return lastApplied !== null && name < lastApplied ? 'out of order' : 'pending';
  if (applied.record === null) return 'applied';
  const checksum = checksumOf(joinStatements(await compileMigration(migration, 'up')));
  return checksum === applied.record.checksum ? 'applied' : 'edited';
}

function isPending({ state }: MigrationStatus): boolean {
  return state === 'pending' || state === 'out of order';
}
