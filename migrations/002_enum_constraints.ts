import { type Kysely, sql } from 'kysely';
import { lockTables } from './lib/lock-tables.ts';

/** Rules of `structdb migrate lint` that do not apply here. */
export const lint = {
  'changing-column-type':
    'text becomes an enum once, before the first release; the locks are taken in short tries beforehand',
};

const PROJECT_STATUS = ['draft', 'active', 'on_hold', 'completed', 'archived'];
const PROJECT_EVENT_TYPE = [
  'created',
  'updated',
  'status_changed',
  'payload_saved',
  'calculated',
  'exported',
  'archived',
  'restored',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  const schema = db.withSchema('public').schema;
  await lockTables(db, ['project_events', 'projects']);
  await refuseOtherValues(db);
  await schema.createType('project_status').asEnum(PROJECT_STATUS).execute();
  await schema.createType('project_event_type').asEnum(PROJECT_EVENT_TYPE).execute();

  await sql`alter table public.projects drop constraint if exists projects_status_check`.execute(db);
  await sql`alter table public.projects alter column status drop default`.execute(db);
  await sql`alter table public.projects alter column status
    type public.project_status using status::public.project_status`.execute(db);
  await sql`alter table public.projects alter column status
    set default 'draft'::public.project_status`.execute(db);

  await sql`alter table public.project_events drop constraint if exists project_events_event_type_check`.execute(db);
  await sql`alter table public.project_events alter column event_type
    type public.project_event_type using event_type::public.project_event_type`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await lockTables(db, ['project_events', 'projects']);
  await sql`alter table public.project_events alter column event_type type text using event_type::text`.execute(db);
  await sql`alter table public.project_events add constraint project_events_event_type_check
    check (event_type ~ '^[a-z][a-z_]*$')`.execute(db);

  await sql`alter table public.projects alter column status drop default`.execute(db);
  await sql`alter table public.projects alter column status type text using status::text`.execute(db);
  await sql`alter table public.projects alter column status set default 'draft'`.execute(db);
  await sql`alter table public.projects add constraint projects_status_check
    check (status ~ '^[a-z][a-z_]*$')`.execute(db);

  const schema = db.withSchema('public').schema;
  await schema.dropType('project_event_type').execute();
  await schema.dropType('project_status').execute();
}

/** Names every value that would be lost, with its count, instead of the first one that the cast stumbles over. */
async function refuseOtherValues(db: Kysely<unknown>): Promise<void> {
  const list = (values: readonly string[]) => values.map((value) => `'${value}'`).join(', ');
  await sql
    .raw(`do $$
declare
  offending text;
begin
  select string_agg(format('%s = %L × %s', place, value, amount), ', ' order by place, value)
  into offending
  from (
    select 'projects.status' as place, status as value, count(*) as amount
    from public.projects
    where status not in (${list(PROJECT_STATUS)})
    group by status
    union all
    select 'project_events.event_type', event_type, count(*)
    from public.project_events
    where event_type not in (${list(PROJECT_EVENT_TYPE)})
    group by event_type
  ) as other;
  if offending is not null then
    raise exception using
      errcode = 'check_violation',
      message = format('values that the enumerations do not have: %s', offending),
      hint = 'Correct these rows (of project_events with its trigger disabled by the owner), then migrate again.';
  end if;
end $$`)
    .execute(db);
}
