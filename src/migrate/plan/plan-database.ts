import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { readAppliedMigrations } from '../../database/bookkeeping.ts';
import type { Direction } from '../compile.ts';
import { withReader } from '../reader.ts';
import { namesOf, registry as shipped } from '../registry.ts';
import { refuseForeignState } from '../run/migrator.ts';
import { requireWaysBack } from '../run/way-back.ts';
import { chosen, type PlannedMigration, type PlanOptions, planOne, resolve } from './plan.ts';
import { relationLookup } from './relation-facts.ts';

export interface DatabasePlan {
  readonly database: string;
  /** The last applied migration; null when none is. */
  readonly current: string | null;
  /** What would run, in order; empty when nothing would. */
  readonly migrations: readonly PlannedMigration[];
}

/**
 * What `up`, `down` (one step) or, with `to`, `to` would run in this database, with rows and sizes of what it would lock.
 * Nothing is written, locked or created: the session is read-only, and asks the catalogs alone.
 * @throws USAGE, MIGRATION_UNKNOWN, MIGRATION_ORDER, MIGRATION_IRREVERSIBLE, as the run itself would
 */
export function planDatabase(
  options: PlanOptions & { readonly connection: ConnectionSettings },
  context: RunContext,
): Promise<DatabasePlan> {
  const { connection, names = [], registry = shipped } = options;
  const all = namesOf(registry);
  return withReader(connection, context, async ({ client, db }) => {
    const books = await readAppliedMigrations(db);
    refuseForeignState(books, registry);
    const applied = books.map(({ name }) => name);
    const course = courseOf(options, applied, all);
    const wanted = chosen(course.names, names, all);
    if (course.direction === 'down') requireWaysBack(wanted, registry, 'nothing of this would run');
    const lookup = relationLookup(client);
    const migrations: PlannedMigration[] = [];
    for (const name of wanted) migrations.push(await planOne(name, course.direction, registry, lookup));
    return Object.freeze({
      database: connection.database,
      current: all.findLast((name) => applied.includes(name)) ?? null,
      migrations,
    });
  });
}

function courseOf(
  { direction, to }: PlanOptions,
  applied: readonly string[],
  all: readonly string[],
): { readonly direction: Direction; readonly names: readonly string[] } {
  const pending = all.filter((name) => !applied.includes(name));
  if (to === undefined) {
    if (direction === 'down') return { direction, names: applied.slice(-1) };
    return { direction: 'up', names: pending };
  }
  const target = resolve(to, all);
  if (applied.includes(target)) {
    return { direction: 'down', names: applied.slice(applied.indexOf(target) + 1).toReversed() };
  }
  if (direction === 'down') {
    throw new StructdbError('USAGE', `Migration ${target} is not applied: there is no way down to it.`, {
      hint: `Leave out --down: structdb migrate plan --to ${target}`,
    });
  }
  return { direction: 'up', names: pending.filter((name) => name <= target) };
}
