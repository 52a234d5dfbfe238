import { type Kysely, sql } from 'kysely';

/** The tables and views of schema public that belong to an extension: whether they are there differs from server to server. */
export async function ownedByExtensions(db: Kysely<unknown>): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ name: string }>`select c.relname as name
    from pg_depend d join pg_class c on c.oid = d.objid
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
      and c.relnamespace = to_regnamespace('public')`.execute(db);
  return new Set(rows.map(({ name }) => name));
}
