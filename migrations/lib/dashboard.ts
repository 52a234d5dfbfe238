import { type Kysely, sql } from 'kysely';

/** A version of the materialised view: `extra` columns beside counts and last activity. */
export interface DashboardVersion {
  /** Further columns, each with a leading comma; of projects as p. */
  readonly extra: string;
}

export const DASHBOARD_V1: DashboardVersion = Object.freeze({ extra: '' });
export const DASHBOARD_V2: DashboardVersion = Object.freeze({
  extra: ',\n  avg(p.confidence) as mean_confidence',
});

/** The view filled from the start, so that no reader meets "has not been populated". */
export async function createDashboard(db: Kysely<unknown>, version: DashboardVersion): Promise<void> {
  await sql
    .raw(`create materialized view if not exists public.project_dashboard as\n${dashboardQuery(version)}`)
    .execute(db);
  await sql`create unique index if not exists project_dashboard_key
    on public.project_dashboard (account_id, status, month)`.execute(db);
  await sql.raw(`comment on materialized view public.project_dashboard is '${COMMENT}'`).execute(db);
}

/**
 * Puts one version in the place of the other, in one statement: a reader finds the old view or the new one, with the
 * same privileges. Does nothing when mean_confidence is there (or absent) already, so it can be run again.
 */
export async function replaceDashboard(
  db: Kysely<unknown>,
  version: DashboardVersion,
  { whenItHasConfidence }: { readonly whenItHasConfidence: boolean },
): Promise<void> {
  await sql
    .raw(`do $$
declare
  privilege record;
begin
  if ${whenItHasConfidence ? 'not ' : ''}exists (
    select from pg_catalog.pg_attribute
    where attrelid = to_regclass('public.project_dashboard') and attname = 'mean_confidence' and not attisdropped
  ) then
    return;
  end if;
  create materialized view public.project_dashboard_next as
${dashboardQuery(version)};
  create unique index project_dashboard_next_key on public.project_dashboard_next (account_id, status, month);
  for privilege in
    select case a.grantee when 0 then 'public' else a.grantee::regrole::text end as grantee,
           a.privilege_type, case when a.is_grantable then ' with grant option' else '' end as option
    from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
    where c.oid = to_regclass('public.project_dashboard') and a.grantee <> c.relowner
  loop
    execute format('grant %s on public.project_dashboard_next to %s%s',
      privilege.privilege_type, privilege.grantee, privilege.option);
  end loop;
  drop materialized view if exists public.project_dashboard;
  alter materialized view public.project_dashboard_next rename to project_dashboard;
  alter index public.project_dashboard_next_key rename to project_dashboard_key;
  comment on materialized view public.project_dashboard is '${COMMENT}';
end $$`)
    .execute(db);
}

const COMMENT =
  'Projects by account, status and month of creation (UTC), as of the last refresh (structdb dashboard refresh)';

/** The lateral join repeats the project's key, so each project's last event is one step in its index. */
function dashboardQuery({ extra }: DashboardVersion): string {
  return `select
  p.account_id,
  p.status,
  date_trunc('month', p.created_at at time zone 'UTC')::date as month,
  count(*) as project_count,
  max(greatest(p.updated_at, e.occurred_at)) as last_activity${extra}
from public.projects p
left join lateral (
  select max(ev.occurred_at) as occurred_at
  from public.project_events ev
  where ev.project_id = p.project_id
) e on true
group by 1, 2, 3`;
}
