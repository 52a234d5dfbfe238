/** Frozen rows of one table. */
export interface SeedTable {
  readonly name: string;
  readonly key: readonly string[];
  /** Column → type of its literal. */
  readonly columns: Readonly<Record<string, string>>;
  readonly rows: readonly (readonly string[])[];
  /** A query that finds a row which cites `seeded`. */
  readonly citedBy?: string;
  /** The column within which effective ranges may not overlap: where there is a value already, the seed stays away. */
  readonly oneRangeAtATime?: string;
}

/** Inserts what is not there and keeps the inserted rows, as they are, in structdb.seeded_rows. */
export function seedStatement(migration: string, table: SeedTable): string {
  const columns = Object.entries(table.columns);
  const names = columns.map(([name]) => name).join(', ');
  const rows = table.rows.map(
    (row) => `(${columns.map(([, type], index) => `${literal(row[index]!)}::${type}`).join(', ')})`,
  );
  const onlyFree = table.oneRangeAtATime
    ? `\n  where not exists (
    select from public.${table.name} present
    where present.${table.oneRangeAtATime} = given.${table.oneRangeAtATime} and present.effective && given.effective
  )`
    : '';
  return `with inserted as (
  insert into public.${table.name} (${names})
  select ${names}
  from (values
    ${rows.join(',\n    ')}
  ) as given (${names})${onlyFree}
  on conflict (${table.key.join(', ')}) do nothing
  returning *
)
insert into structdb.seeded_rows (migration, table_name, row_as_inserted)
select '${migration}', '${table.name}', to_jsonb(inserted) from inserted
on conflict do nothing`;
}

/** Deletes what seedStatement inserted, where it is still as it was and nothing cites it. */
export function unseedStatement(migration: string, table: SeedTable): string {
  return `delete from public.${table.name} seeded
using structdb.seeded_rows s
where s.migration = '${migration}' and s.table_name = '${table.name}'
  and (${columnsOf('seeded', table.key)}) = (${table.key.map((column) => `s.row_as_inserted ->> '${column}'`).join(', ')})
  and to_jsonb(seeded) = s.row_as_inserted${table.citedBy ? `\n  and not exists (${table.citedBy})` : ''}`;
}

/** `t.standard, t.edition` */
export function columnsOf(alias: string, columns: readonly string[]): string {
  return columns.map((column) => `${alias}.${column}`).join(', ');
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
