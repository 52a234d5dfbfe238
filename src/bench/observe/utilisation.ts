import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import type { Database } from '../../database/types.ts';
import { createKysely, withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { runMix } from '../measure/closed-loop.ts';
import type { Load } from '../measure/request.ts';

export interface Utilisation {
  /** Connections of the pool, all at work. */
  readonly pool: number;
  /** Most client sessions seen on the whole server, those of others among them. */
  readonly sessions: number;
  /** Sessions that the server has for ordinary roles. */
  readonly slots: number;
  /** sessions / slots, 0 to 1. */
  readonly utilisation: number;
}

const TURNS = 20;
/** A pool is full at once; more work than this shows nothing more. */
const LOAD_MS = 1500;
const SAMPLE_EVERY_MS = 150;

/** Loads the server with a full pool and looks, through a connection of its own, how many sessions it has. */
export function measureUtilisation(
  connection: ConnectionSettings,
  load: Omit<Load, 'db' | 'clients'>,
  { pool, prepare }: { readonly pool: number; readonly prepare: boolean },
  context: RunContext,
): Promise<Utilisation> {
  return withClient(connection, profiles.probe, context, async (observer) => {
    const slots = await readSlots(observer);
    const db = await createKysely<Database>(connection, profiles.bench, { max: pool, prepare });
    try {
      let running = true;
      const work = runMix(
        { ...load, db, clients: pool },
        { turns: TURNS, seed: pool, limitMs: LOAD_MS },
        context,
      ).finally(() => {
        running = false;
      });
      const [sessions] = await Promise.all([watchSessions(observer, () => running, context), work]);
      return { pool, sessions, slots, utilisation: sessions / slots };
    } finally {
      await db.destroy();
    }
  });
}

async function watchSessions(observer: pg.Client, isRunning: () => boolean, context: RunContext): Promise<number> {
  let most = 0;
  for (let running = true; running; ) {
    stopIfInterrupted(context);
    // One look more when the work is done: the pool still holds all its connections, however quick the work was.
    running = isRunning();
    // What kind a session of another role is, a plain role is not told: it then counts.
    const { rows } = await observer.query<{ sessions: number }>(
      `select count(*)::int as sessions from pg_catalog.pg_stat_activity
       where usesysid is not null and coalesce(backend_type, 'client backend') = 'client backend'`,
    );
    most = Math.max(most, rows[0]!.sessions);
    if (running) await new Promise((resolve) => setTimeout(resolve, SAMPLE_EVERY_MS));
  }
  return most;
}

/** reserved_connections is new in 16. */
async function readSlots(observer: pg.Client): Promise<number> {
  const { rows } = await observer.query<{ slots: number }>(
    `select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
       - coalesce(current_setting('reserved_connections', true)::int, 0) as slots`,
  );
  return rows[0]!.slots;
}
