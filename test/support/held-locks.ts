import type pg from 'pg';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { sql } from './postgres.ts';

/** kysely's key, which a migration run holds. */
export const MIGRATION_LOCK_KEY = '3853314791062309107';

export interface HeldLocks {
  /** Of which databases a session waits for the lock now, as positions in the list. */
  waiting(): Promise<number[]>;
  /** Until so many wait at least. */
  untilWaiting(count: number): Promise<number[]>;
  release(position: number): Promise<void>;
}

/** Runs `work` while an advisory lock is held in each of these databases of one server. */
export async function withHeldLocks<T>(
  connections: readonly ConnectionSettings[],
  key: string,
  work: (locks: HeldLocks) => Promise<T>,
  clients: readonly pg.Client[] = [],
): Promise<T> {
  if (clients.length < connections.length) {
    return sql(connections[clients.length]!, async (client) => {
      await client.query('select pg_advisory_lock($1)', [key]);
      return withHeldLocks(connections, key, work, [...clients, client]);
    });
  }
  const names = connections.map(({ database }) => database);
  const waiting = async () => {
    const { rows } = await clients[0]!.query<{ datname: string }>(
      `select datname from pg_locks l join pg_database d on d.oid = l.database
        where locktype = 'advisory' and not granted and datname = any ($1)`,
      [names],
    );
    return rows.map(({ datname }) => names.indexOf(datname));
  };
  return work({
    waiting,
    async untilWaiting(count) {
      for (;;) {
        const now = await waiting();
        if (now.length >= count) return now;
        await clients[0]!.query('select pg_sleep(0.02)');
      }
    },
    async release(position) {
      await clients[position]!.query('select pg_advisory_unlock($1)', [key]);
    },
  });
}
