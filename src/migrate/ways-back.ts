import { StructdbError } from '../core/errors.ts';
import type { Registry } from './registry.ts';

/**
 * Refuses to take these back, before anything is, when one of them has no `down`: kysely would skip it without a word and
 * take the older ones back (kysely-org/kysely#1358).
 * @throws MIGRATION_IRREVERSIBLE
 */
export function requireWaysBack(names: readonly string[], registry: Registry): void {
  const stuck = names.find((name) => registry[name]?.down === undefined);
  if (stuck === undefined) return;
  throw new StructdbError('MIGRATION_IRREVERSIBLE', `Migration ${stuck} has no down: nothing was taken back.`, {
    hint: `Restore a backup from before it, or go back only to it: structdb migrate to ${stuck}`,
  });
}

/**
 * The same for a redo, which also refuses what says of itself that it is irreversible: its `down` makes a schema to stand
 * on, but the rows that its `up` would work on again are gone.
 * @throws MIGRATION_IRREVERSIBLE
 */
export function requireRedoable(names: readonly string[], registry: Registry): void {
  for (const name of names) {
    const { down, config } = registry[name] ?? {};
    if (down !== undefined && !config?.irreversible) continue;
    const reason = typeof config?.irreversible === 'string' ? ` (${config.irreversible})` : '';
    const why = config?.irreversible ? `is irreversible${reason}` : 'has no down';
    throw new StructdbError('MIGRATION_IRREVERSIBLE', `Migration ${name} ${why}: nothing was taken back.`, {
      hint: 'Write a new migration that changes what it made: structdb migrate create <name>',
    });
  }
}
