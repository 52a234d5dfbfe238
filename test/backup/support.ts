import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';
import type { RunOptions } from '../../src/backup/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { configSchema } from '../../src/config/schema.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import { testPlaces } from '../support/environment.ts';
import { sql } from '../support/postgres.ts';

export const actor = { host: 'alpha', user: 'ada', command: 'backup run' };

/** Options of a run into a new, empty store below `scratch`. */
export async function runOptions(connection: ConnectionSettings, scratch: string): Promise<RunOptions> {
  const location = path.join(await mkdtemp(path.join(scratch, 'b-')), 'store');
  return {
    connection,
    store: openDirectoryStore({ path: location, uid: process.geteuid?.() }),
    places: testPlaces(),
    policy: configSchema.parse({}).backup,
    actor,
    purpose: 'run',
  };
}

/** Two tables, of which one cannot be compressed much. */
export async function fill(connection: ConnectionSettings, rows = 2000): Promise<void> {
  await sql(connection, async (client) => {
    await client.query(
      `create table accounts (id bigint generated always as identity primary key, balance int not null)`,
    );
    await client.query(`create table noise (id int primary key, t text, "row" float8, at timestamptz default now())`);
    await client.query(`insert into accounts (balance) select 100 from generate_series(1, 100)`);
    await client.query(
      `insert into noise select i, encode(sha256(i::text::bytea), 'hex'), i / 3.0 from generate_series(1, $1::int) i`,
      [rows],
    );
  });
}

/**
 * Holds a lock that pg_dump must wait for while `work` runs: a backup is then surely in the middle. `work` is given a
 * function that waits until a dump queues behind the lock, and one that lets it go on.
 */
export async function withBlockedDump<T>(
  connection: ConnectionSettings,
  work: (reached: () => Promise<void>, unblock: () => Promise<void>) => Promise<T>,
): Promise<T> {
  return sql(connection, async (client: pg.Client) => {
    await client.query('begin');
    await client.query('lock table noise in access exclusive mode');
    const reached = async () => {
      for (;;) {
        const { rows } = await client.query<{ waiting: boolean }>(
          // pg_stat_activity would be frozen within this transaction; pg_locks is not.
          `select exists (select from pg_locks where relation = 'noise'::regclass and not granted) as waiting`,
        );
        if (rows[0]!.waiting) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    return work(reached, async () => void (await client.query('rollback')));
  });
}
