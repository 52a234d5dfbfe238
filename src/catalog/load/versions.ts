import type pg from 'pg';
import { codeOf, StructdbError } from '../../core/errors.ts';
import { planVersions, type VersionPlan } from './version-plan.ts';
import type { Version, VersionRow, VersionTable } from './version-tables.ts';

/**
 * Looks whether the table is there and the role may do its work.
 * @throws SCHEMA_MISSING, PERMISSION_DENIED with the statement that grants what is missing
 */
export async function checkVersionTable(
  client: pg.Client,
  { name }: VersionTable,
  { dryRun }: { readonly dryRun: boolean },
): Promise<void> {
  const { rows } = await client.query<{ database: string; role: string; there: boolean; missing: string[] }>(
    `select current_database() as database, current_user as role, to_regclass($1) is not null as there,
      array(select privilege from unnest($2::text[]) with ordinality as p(privilege, place)
        where not has_table_privilege(to_regclass($1), privilege) order by place) as missing`,
    [name, dryRun ? ['SELECT'] : ['SELECT', 'INSERT', 'UPDATE']],
  );
  const { database, role, there, missing } = rows[0]!;
  if (!there) {
    throw new StructdbError('SCHEMA_MISSING', `Database "${database}" has no table ${name} yet.`, {
      hint: 'Run: structdb migrate up',
    });
  }
  if (missing.length === 0) return;
  throw new StructdbError(
    'PERMISSION_DENIED',
    `"${role}" may not ${dryRun ? 'read' : 'write'} ${name} of database "${database}".`,
    { hint: `The owner runs: GRANT ${missing.join(', ')} ON ${name} TO "${role.replaceAll('"', '""')}";` },
  );
}

/** What the rows would do. With `lock`, the versions that they stand beside stay as they are until the transaction ends. */
export async function planAgainstStored(
  client: pg.Client,
  table: VersionTable,
  rows: readonly VersionRow[],
  { lock }: { readonly lock: boolean },
): Promise<VersionPlan> {
  const names = [...new Set(rows.map(({ name }) => name))];
  const { rows: stored } = await client.query<Version>(
    `${versionsQuery(table)} where ${table.key} = any($1)${lock ? ' for update' : ''}`,
    [names],
  );
  return planVersions(table, stored, rows);
}

/** Selects versions in the form of `Version`. Days are written out, because a cast would follow DateStyle. */
export function versionsQuery({ name, key, values }: VersionTable): string {
  return `select ${key} as name, version, array[${values.map((column) => `${column.name}::text`).join(', ')}] as values,
    to_char(lower(effective), 'YYYY-MM-DD') as from,
    case when not upper_inf(effective) and upper(effective) < 'infinity' then to_char(upper(effective), 'YYYY-MM-DD') end as to
  from ${name}`;
}

/**
 * Writes what was planned: ends first, so that no two ranges overlap at any time. The exclusion constraint has the last
 * word about what somebody else wrote meanwhile. The import leaves a note of each version. @throws CATALOG_VERSION_CONFLICT
 */
export async function writeVersions(
  client: pg.Client,
  table: VersionTable,
  plan: VersionPlan,
  importId: string,
): Promise<void> {
  const { name, key, values } = table;
  try {
    if (plan.ended.length > 0) {
      await client.query(
        `update ${name} t set effective = daterange(lower(t.effective), e.at)
        from unnest($1::text[], $2::text[], $3::date[]) as e(name, version, at)
        where t.${key} = e.name and t.version = e.version`,
        [plan.ended.map((e) => e.name), plan.ended.map((e) => e.version), plan.ended.map((e) => e.at)],
      );
    }
    if (plan.inserted.length > 0) {
      const columns = values.map((column) => column.name).join(', ');
      const arrays = values.map(({ type }, at) => `$${at + 5}::${type}[]`).join(', ');
      await client.query(
        `insert into ${name} (${key}, version, effective, ${columns})
        select name, version, daterange(first, ending), ${columns}
        from unnest($1::text[], $2::text[], $3::date[], $4::date[], ${arrays}) as g(name, version, first, ending, ${columns})`,
        [
          plan.inserted.map((row) => row.name),
          plan.inserted.map((row) => row.version),
          plan.inserted.map((row) => row.from),
          plan.inserted.map((row) => row.to),
          ...values.map((_, at) => plan.inserted.map((row) => row.values[at])),
        ],
      );
    }
    await client.query('set constraints all immediate');
    await noteVersions(client, table, plan, importId);
  } catch (error) {
    // 23P01: the exclusion constraint; 23505: the same version.
    if (!['23P01', '23505'].includes(codeOf(error) ?? '')) throw error;
    const { detail } = error as { readonly detail?: string };
    throw new StructdbError(
      'CATALOG_VERSION_CONFLICT',
      `Somebody else wrote ${table.plural} meanwhile that contradict the file; nothing was imported.`,
      {
        cause: error,
        ...(detail === undefined ? {} : { details: [detail] }),
        hint: 'Run the command again: it then looks at what is there now.',
      },
    );
  }
}

async function noteVersions(client: pg.Client, table: VersionTable, plan: VersionPlan, importId: string) {
  const notes = [
    ...plan.inserted.map(({ name, version }) => ({ name, version, action: 'inserted' })),
    ...plan.ended.map(({ name, version }) => ({ name, version, action: 'updated' })),
  ];
  if (notes.length === 0) return;
  await client.query(
    `insert into structdb.catalog_changes (table_name, key, import_id, action, columns, old)
    select $1, array[name, version], $2, action,
      case action when 'updated' then array['effective_to'] end, case action when 'updated' then '{"effective_to": null}'::jsonb end
    from unnest($3::text[], $4::text[], $5::text[]) as n(name, version, action)`,
    [table.name, importId, notes.map((n) => n.name), notes.map((n) => n.version), notes.map((n) => n.action)],
  );
}
