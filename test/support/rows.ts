import type pg from 'pg';

/** Fills the project tables with `count` projects, one payload and three events each, at any migration. */
export async function fillProjects(client: pg.Client, count: number): Promise<void> {
  const { rows } = await client.query<{ envelope: boolean }>(
    `select exists (select from pg_attribute where attrelid = 'public.projects'::regclass
       and attname = 'content_sha256' and not attisdropped) as envelope`,
  );
  const [columns, values] = rows[0]!.envelope
    ? [', constants_version, content_sha256, confidence', `, '2026.1', repeat('ab', 32), 0.5`]
    : ['', ''];
  await client.query(
    `insert into projects (account_id, name, customer, status, created_by, updated_by, created_at${columns})
     select md5((n % 50)::text)::uuid, 'Project ' || n, 'Customer ' || n % 200,
            (array['draft','active','on_hold','completed','archived'])[1 + n % 5]${await castTo(client, 'project_status')},
            'engineer ' || n % 20, 'engineer ' || n % 20, timestamptz '2026-01-01' + n * interval '1 hour'${values}
     from generate_series(1, $1::int) as n`,
    [count],
  );
  await client.query(
    `insert into project_payloads (project_id, version, module, payload, created_by${columns})
     select project_id, 1, 'beam', jsonb_build_object('name', name), created_by${values} from projects
     on conflict do nothing`,
  );
  await client.query(
    `insert into project_events (project_id, event_type, actor, data)
     select project_id, event_type${await castTo(client, 'project_event_type')}, created_by, '{}'
     from projects, unnest(array['created','payload_saved','calculated']) as event_type`,
  );
}

/** Row counts of the three project tables. */
export async function countProjects(client: pg.Client): Promise<Record<string, number>> {
  const { rows } = await client.query(
    `select (select count(*)::int from projects) as projects, (select count(*)::int from project_payloads) as payloads,
            (select count(*)::int from project_events) as events`,
  );
  return rows[0] as Record<string, number>;
}

async function castTo(client: pg.Client, type: string): Promise<string> {
  const { rows } = await client.query<{ there: boolean }>('select to_regtype($1) is not null as there', [type]);
  return rows[0]!.there ? `::${type}` : '';
}
