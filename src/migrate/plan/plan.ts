import { StructdbError } from '../../core/errors.ts';
import { checksumOf, compileMigration, type Direction, joinStatements } from '../compile.ts';
import { inDirection, isTransactional, namesOf, type Registry, registry as shipped } from '../registry.ts';
import { fileLookup } from './file-facts.ts';
import type { RelationLookup } from './relation-facts.ts';
import { effectsOf, type StatementEffects } from './statement-effects.ts';

export interface PlannedMigration {
  readonly name: string;
  readonly direction: Direction;
  readonly transactional: boolean;
  readonly checksum: string;
  readonly statements: readonly string[];
  /** What each statement locks, blocks and rewrites; as many as `statements`. */
  readonly effects: readonly StatementEffects[];
}

export interface PlanOptions {
  /** Only these, by name or leading number; all by default. */
  readonly names?: readonly string[];
  readonly direction?: Direction;
  /** The migration that is to be the last applied one: included on the way up, kept on the way down. */
  readonly to?: string;
  readonly registry?: Registry;
}

/**
 * The SQL of the migrations in the order of execution, and what it locks. Needs no database and touches none.
 * @throws USAGE for a name that does not exist
 */
export async function plan({
  names = [],
  direction = 'up',
  to,
  registry = shipped,
}: PlanOptions = {}): Promise<PlannedMigration[]> {
  const all = namesOf(registry);
  const last = to === undefined ? undefined : resolve(to, all);
  const inRange = all.filter((name) => last === undefined || (direction === 'up' ? name <= last : name > last));
  const ordered = direction === 'up' ? inRange : inRange.toReversed();
  const lookup = await fileLookup(registry);
  return Promise.all(chosen(ordered, names, all).map((name) => planOne(name, direction, registry, lookup)));
}

/** `003` and `003_calibration_pricing` name the same migration. */
export function resolve(wish: string, all: readonly string[] = namesOf(shipped)): string {
  const name = all.find((candidate) => candidate === wish) ?? all.find((candidate) => candidate.startsWith(`${wish}_`));
  if (name !== undefined) return name;
  throw new StructdbError('USAGE', `There is no migration named "${wish}".`, {
    details: all,
    hint: 'Run: structdb migrate plan, without a name, to see them all.',
  });
}

/** Those of `ordered` that were asked for; all without a wish. */
export function chosen(ordered: readonly string[], wishes: readonly string[], all: readonly string[]): string[] {
  const wished = new Set(wishes.map((wish) => resolve(wish, all)));
  return ordered.filter((name) => wished.size === 0 || wished.has(name));
}

export async function planOne(
  name: string,
  direction: Direction,
  registry: Registry,
  lookup: RelationLookup,
): Promise<PlannedMigration> {
  const migration = registry[name]!;
  const statements = await compileMigration(migration, direction);
  const transactional = isTransactional(inDirection(migration, direction));
  return {
    name,
    direction,
    transactional,
    checksum: checksumOf(joinStatements(statements)),
    statements,
    effects: await effectsOf(statements, { transactional, lookup }),
  };
}
