import { StructdbError } from '../../core/errors.ts';
import type { RegisteredMigration, Registry } from '../registry.ts';

/** Whether a migration can be taken back: it has a `down`, and is not marked `config.irreversible`. */
export function hasWayBack({ down, config }: RegisteredMigration): boolean {
  return down !== undefined && !config?.irreversible;
}

/**
 * Refuses a range with a migration that has no way back, before anything of it runs: kysely would skip it without a word
 * and take the older ones back (kysely-org/kysely#1358). `outcome` ends the message: `nothing was taken back`.
 * @throws MIGRATION_IRREVERSIBLE that names the first such migration
 */
export function requireWaysBack(names: readonly string[], registry: Registry, outcome: string): void {
  const stuck = names.find((name) => registry[name] === undefined || !hasWayBack(registry[name]));
  if (stuck === undefined) return;
  const irreversible = registry[stuck]?.config?.irreversible;
  const reason = typeof irreversible === 'string' ? ` (${irreversible})` : '';
  const why = irreversible ? `is marked irreversible${reason}` : 'has no down';
  throw new StructdbError('MIGRATION_IRREVERSIBLE', `Migration ${stuck} ${why}: ${outcome}.`, {
    hint: `Change what it made with a new migration (structdb migrate create <name>), or restore a backup from before it${stuck === names[0] ? '' : `, or go back only to it (structdb migrate to ${stuck})`}`,
  });
}
