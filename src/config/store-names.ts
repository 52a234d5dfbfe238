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
