import { StructdbError } from '../core/errors.ts';
import { checksumOf, compileMigration, type Direction, joinStatements } from './compile.ts';
import { isTransactional, namesOf, type RegisteredMigration, registry } from './registry.ts';

export interface PlannedMigration {
  readonly name: string;
  readonly direction: Direction;
  readonly transactional: boolean;
  readonly checksum: string;
  readonly statements: readonly string[];
}

export interface PlanOptions {
  /** Only these, by name or leading number; all by default. */
  readonly names?: readonly string[];
  readonly direction?: Direction;
}

/**
 * The SQL of the migrations in the order of execution. Needs no database and touches none.
 * @throws USAGE for a name that does not exist
 */
export async function plan({ names = [], direction = 'up' }: PlanOptions = {}): Promise<PlannedMigration[]> {
  const all = namesOf(registry);
  const chosen =
    names.length === 0 ? all : all.filter((name) => names.map((wish) => resolve(wish, all)).includes(name));
  const ordered = direction === 'up' ? chosen : chosen.toReversed();
  return Promise.all(ordered.map((name) => planOne(name, registry[name]!, direction)));
}

/** `003` and `003_calibration_pricing` name the same migration. */
export function resolve(wish: string, all: readonly string[] = namesOf(registry)): string {
  const name = all.find((candidate) => candidate === wish) ?? all.find((candidate) => candidate.startsWith(`${wish}_`));
  if (name !== undefined) return name;
  throw new StructdbError('USAGE', `There is no migration named "${wish}".`, {
    details: all,
    hint: 'Run: structdb migrate plan, without a name, to see them all.',
  });
}

async function planOne(name: string, migration: RegisteredMigration, direction: Direction): Promise<PlannedMigration> {
  const statements = await compileMigration(migration, direction);
  return {
    name,
    direction,
    transactional: isTransactional(migration),
    checksum: checksumOf(joinStatements(statements)),
    statements,
  };
}
