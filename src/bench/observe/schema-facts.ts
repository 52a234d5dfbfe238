import type pg from 'pg';

export interface TableFacts {
  readonly name: string;
  /** Live rows, as ANALYZE found them. */
  readonly rows: number;
  /** Of 8 KiB as a rule. */
  readonly pages: number;
}

export interface IndexFacts {
  readonly name: string;
  readonly table: string;
  /** A failed concurrent build leaves an index that is not. */
  readonly valid: boolean;
  /** Keeps rows unique: needed whether or not a query reads it. */
  readonly unique: boolean;
  readonly bytes: number;
}

/** The tables, materialised views and indexes of schema public. */
export interface SchemaFacts {
  readonly tables: readonly TableFacts[];
  readonly indexes: readonly IndexFacts[];
}

/** A table of more rows and pages than this is large: reading it whole is told with the queries that do. */
export const LARGE_TABLE = Object.freeze({ rows: 10_000, pages: 128 });

export function isLarge({ rows, pages }: TableFacts): boolean {
  return rows > LARGE_TABLE.rows && pages > LARGE_TABLE.pages;
}

export async function readSchemaFacts(client: pg.Client): Promise<SchemaFacts> {
  const { rows } = await client.query<{ facts: SchemaFacts }>(
    `select jsonb_build_object(
       'tables', coalesce((
         select jsonb_agg(jsonb_build_object('name', relname, 'rows', greatest(reltuples, 0), 'pages', relpages) order by relname)
         from pg_catalog.pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'm')), '[]'),
       'indexes', coalesce((
         select jsonb_agg(jsonb_build_object('name', i.relname, 'table', t.relname, 'valid', x.indisvalid,
             'unique', x.indisunique or x.indisexclusion, 'bytes', pg_catalog.pg_relation_size(i.oid)) order by i.relname)
         from pg_catalog.pg_index x
         join pg_catalog.pg_class i on i.oid = x.indexrelid
         join pg_catalog.pg_class t on t.oid = x.indrelid
         where i.relnamespace = 'public'::regnamespace and i.relkind = 'i'), '[]')
     ) as facts`,
  );
  return rows[0]!.facts;
}
