import type pg from 'pg';
import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { asStep } from '../core/progress.ts';
import { formatCount } from '../core/units.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';

export interface DashboardRefresh {
  readonly view: 'project_dashboard';
  readonly rows: number;
  /** false for the first filling, for which readers wait. */
  readonly concurrently: boolean;
  readonly durationMs: number;
  /** ISO 8601 in UTC. */
  readonly refreshedAt: string;
  /** When it was refreshed before; null when that is not known. */
  readonly previousRefreshAt: string | null;
}

/** Any number that nobody else uses: the bytes of "dashbord". */
const LOCK_KEY = '7233183992393822820';

/**
 * Refreshes project_dashboard while readers go on, one refresh at a time, and records when.
 * @throws LOCKED naming who refreshes now, SCHEMA_MISSING before migration 005, PERMISSION_DENIED
 */
export function refreshDashboard(
  { connection }: { readonly connection: ConnectionSettings },
  context: RunContext,
): Promise<DashboardRefresh> {
  return withClient(connection, profiles.dashboard, context, async (client) => {
    const populated = await requireDashboard(client);
    await takeLock(client);
    const started = context.clock.monotonicMs();
    // CONCURRENTLY compares with what is there, so it cannot be the first: a restored schema has an empty view.
    const how = populated ? 'concurrently ' : '';
    return asStep(
      context,
      'dashboard.refresh',
      'Refreshing project_dashboard',
      async () => {
        await client.query(`refresh materialized view ${how}public.project_dashboard`);
        const durationMs = context.clock.monotonicMs() - started;
        return finish(client, populated, durationMs);
      },
      ({ rows }) => `Refreshed project_dashboard: ${formatCount(rows)} rows`,
    );
  });
}

async function requireDashboard(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ populated: boolean }>(
    `select relispopulated as populated from pg_catalog.pg_class
     where oid = to_regclass('public.project_dashboard') and relkind = 'm'`,
  );
  if (rows[0]) return rows[0].populated;
  throw new StructdbError('SCHEMA_MISSING', 'The database has no materialised view project_dashboard.', {
    hint: 'Run: structdb migrate up',
  });
}

/** Of the session, not of a transaction: the connection is closed afterwards. */
async function takeLock(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1::bigint) as locked', [
    LOCK_KEY,
  ]);
  if (rows[0]!.locked) return;
  throw new StructdbError('LOCKED', `project_dashboard is being refreshed by ${await describeHolder(client)}.`, {
    hint: 'Nothing to do: that refresh will do. Or wait for it and run the command again.',
  });
}

async function describeHolder(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ pid: number; application: string | null; since: Date | null }>(
    `select l.pid, nullif(a.application_name, '') as application, coalesce(a.query_start, a.backend_start) as since
     from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'advisory' and l.granted and l.objsubid = 1
       and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
       and ((l.classid::bigint << 32) | l.objid::bigint) = $1::bigint`,
    [LOCK_KEY],
  );
  const holder = rows[0];
  if (!holder) return 'a session that ended just now';
  const application = holder.application ? ` (${holder.application})` : '';
  return `pid ${holder.pid}${application}${holder.since ? ` since ${holder.since.toISOString()}` : ''}`;
}

async function finish(client: pg.Client, concurrently: boolean, durationMs: number): Promise<DashboardRefresh> {
  const { rows } = await client.query<{ count: string; refreshed_at: Date; previous: Date | null }>(
    `with previous as (
       select refreshed_at from structdb.dashboard_refreshes where view_name = 'project_dashboard'
     ), recorded as (
       insert into structdb.dashboard_refreshes (view_name, refreshed_at, duration_ms)
       values ('project_dashboard', now(), $1)
       on conflict (view_name) do update
         set refreshed_at = excluded.refreshed_at, duration_ms = excluded.duration_ms
       returning refreshed_at
     )
     select (select count(*) from public.project_dashboard) as count,
            (select refreshed_at from recorded) as refreshed_at,
            (select refreshed_at from previous) as previous`,
    [durationMs],
  );
  const row = rows[0]!;
  return {
    view: 'project_dashboard',
    rows: Number(row.count),
    concurrently,
    durationMs,
    refreshedAt: row.refreshed_at.toISOString(),
    previousRefreshAt: row.previous?.toISOString() ?? null,
  };
}
