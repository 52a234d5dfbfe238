import type { Config } from './schema.ts';

/** The name of the store that base backups go into: that of the first tier that makes them, else of the daily one. */
export function baseStoreName({ daily, weekly, monthly }: Config['backup']): string {
  const own = [weekly, monthly, daily].find((tier) => tier !== undefined && tier.kind !== 'dump');
  return (own ?? daily).store;
}

/**
 * The name of the store that WAL is archived into, and where everything that needs WAL looks for it: `backup.wal.store`,
 * else where the base backups are.
 */
export function walStoreName(backup: Config['backup']): string {
  return backup.wal.store ?? baseStoreName(backup);
}

/** A store that something of the configuration uses. */
export interface UsedStore {
  readonly name: string;
  /** `daily`, `wal`, … */
  readonly usedBy: readonly string[];
}

/** Every store that a tier or the WAL goes into, each once. */
export function usedStores(backup: Config['backup']): UsedStore[] {
  const uses = new Map<string, string[]>();
  const use = (name: string | undefined, by: string) => {
    if (name !== undefined) uses.set(name, [...(uses.get(name) ?? []), by]);
  };
  use(backup.daily.store, 'daily');
  use(backup.weekly?.store, 'weekly');
  use(backup.monthly?.store, 'monthly');
  use(walStoreName(backup), 'wal');
  return [...uses].map(([name, usedBy]) => ({ name, usedBy }));
}
