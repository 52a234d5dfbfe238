import type pg from 'pg';
import { readableBooks } from './imports.ts';

/**
 * Where a value comes from: the number of an import, the name of the migration that brought it, or null where neither is
 * noted: it was stored before structdb kept these notes, or by hand.
 */
export type Origin = number | string | null;

export interface OriginsQuery {
  /** `public.material_catalog` */
  readonly table: string;
  readonly keyColumns: readonly string[];
  /** Each in the order of the key columns. */
  readonly keys: readonly (readonly string[])[];
}

/** For each key, in their order, what tells the origin of a value by the name of its column or property. */
export async function originsOf(client: pg.Client, query: OriginsQuery): Promise<((name: string) => Origin)[]> {
  const books = await readableBooks(client);
  if (query.keys.length === 0) return [];
  const changes = books.has('catalog_changes') ? await changesOf(client, query) : [];
  const foundings = books.has('catalog_foundings') ? await foundingsOf(client, query) : [];
  const seeds = books.has('seeded_rows') ? await seedsOf(client, query) : [];
  return query.keys.map((key) => {
    const is = (name: string) => key[query.keyColumns.indexOf(name)];
    const founding = foundings.find(
      (group) =>
        group.standard === is('standard') &&
        group.edition === is('edition') &&
        (group.unitSystem === null || group.unitSystem === is('unit_system')) &&
        (group.variant === null || group.variant === is('variant')),
    );
    const own = changes.filter((change) => change.id > (founding?.id ?? 0) && same(change.key, key));
    const seed = seeds.find(({ row }) => query.keyColumns.every((name) => row[name] === is(name)));
    return (name) => {
      const change = own.find(({ action, columns }) => action === 'inserted' || columns?.includes(name));
      if (change) return change.id;
      if (founding?.columns.includes(name)) return founding.id;
      const seeded = seed && (name in seed.row || name in ((seed.row.properties as object | undefined) ?? {}));
      return seeded ? `migration ${seed.migration}` : null;
    };
  });
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((part, at) => part === b[at]);
}

interface Change {
  readonly id: number;
  readonly key: readonly string[];
  readonly action: 'inserted' | 'updated' | 'retired';
  readonly columns: readonly string[] | null;
}

/** Newest first. */
async function changesOf(client: pg.Client, { table, keyColumns, keys }: OriginsQuery): Promise<Change[]> {
  const arrays = keyColumns.map((_, at) => `$${at + 2}::text[]`).join(', ');
  const { rows } = await client.query<Change & { id: string }>(
    `select c.import_id::text as id, c.key, c.action, c.columns
    from (select distinct array[${keyColumns.join(', ')}] as key from unnest(${arrays}) as k(${keyColumns.join(', ')})) k
    join structdb.catalog_changes c on c.table_name = $1 and c.key = k.key order by c.import_id desc`,
    [table, ...keyColumns.map((_, at) => keys.map((key) => key[at]))],
  );
  return rows.map((row) => ({ ...row, id: Number(row.id) }));
}

interface Founding {
  readonly id: number;
  readonly standard: string;
  readonly edition: string;
  readonly unitSystem: string | null;
  readonly variant: string | null;
  readonly columns: readonly string[];
}

/** Newest first: a group that was emptied by hand may be founded again. */
async function foundingsOf(client: pg.Client, { table, keyColumns, keys }: OriginsQuery): Promise<Founding[]> {
  const standards = new Set(keys.map((key) => key[keyColumns.indexOf('standard')]));
  const { rows } = await client.query<Founding & { id: string }>(
    `select import_id::text as id, standard, edition, unit_system as "unitSystem", variant, columns
    from structdb.catalog_foundings where table_name = $1 and standard = any($2) order by import_id desc`,
    [table, [...standards]],
  );
  return rows.map((row) => ({ ...row, id: Number(row.id) }));
}

interface Seed {
  readonly migration: string;
  readonly row: Readonly<Record<string, unknown>>;
}

async function seedsOf(client: pg.Client, { table, keyColumns, keys }: OriginsQuery): Promise<Seed[]> {
  const { rows } = await client.query<Seed>(
    `select migration, row_as_inserted as row from structdb.seeded_rows
    where table_name = $1 and row_as_inserted ->> $2 = any($3)`,
    [table.replace('public.', ''), keyColumns[0], keys.map(([first]) => first)],
  );
  return rows;
}
