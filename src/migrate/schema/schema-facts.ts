import type pg from 'pg';
import { fromExtension, USER_SCHEMA } from '../../database/fingerprint.ts';
import { factsQuery } from './facts-query.ts';

/** What a fact is about. `owner`, `privileges` and `comment` are about another fact's object. */
export type SchemaObject =
  | 'schema'
  | 'setting'
  | 'table'
  | 'view'
  | 'materialised view'
  | 'sequence'
  | 'column'
  | 'constraint'
  | 'index'
  | 'trigger'
  | 'rule'
  | 'policy'
  | 'statistics'
  | 'type'
  | 'function'
  | 'owner'
  | 'privileges'
  | 'comment';

/** One thing that can be there, be missing or be different. */
export interface SchemaFact {
  readonly object: SchemaObject;
  /** As SQL writes it, schema first: `public.projects.name`, `projects_pkey on public.projects`. */
  readonly name: string;
  /** The object that it is a part of, as `<object> <name>`; null where it stands alone. */
  readonly of: string | null;
  /** Equal exactly when the objects are. Of a function or view several lines. */
  readonly definition: string;
}

export interface SchemaFacts {
  /** The role that the migrations belong to: it owns most tables, or else schema structdb, or else the database. */
  readonly owner: string;
  /** That were looked at; not all need be there. */
  readonly schemas: readonly string[];
  readonly facts: readonly SchemaFact[];
}

export interface SchemaFactsOptions {
  /** The name that the owner's role gets, to compare databases that different roles have made. */
  readonly ownerAs?: string;
  /** The roles that count as the owner, where they are several. */
  readonly owners?: readonly string[];
  /** Which schemas are looked at; public and structdb by default. */
  readonly schemas?: readonly string[];
}

/** The platform's and structdb's own. */
const DEFAULT_SCHEMAS: readonly string[] = ['public', 'structdb'];

/**
 * Everything that migrations make in the schemas, as the catalogs tell it under an empty search path. What belongs to
 * an extension, temporary tables and all rows are left out; so are the order of columns, and of a schema itself all but
 * that it is there. Comparable between databases of the same PostgreSQL major only: what it prints changes with it.
 * Runs in a read-only transaction of its own; takes no lock that anybody waits for.
 */
export async function readSchemaFacts(
  client: pg.ClientBase,
  { ownerAs, owners, schemas = DEFAULT_SCHEMAS }: SchemaFactsOptions = {},
): Promise<SchemaFacts> {
  await client.query('begin isolation level repeatable read, read only');
  try {
    // pg_catalog alone: every other name is printed with its schema.
    await client.query('set local search_path = pg_catalog');
    // Many small joins: compiling them takes several times as long as running them.
    await client.query('set local jit = off');
    const owner = await migrationsOwner(client);
    const { rows } = await client.query<SchemaFact>(factsQuery(), [owners ?? [owner], ownerAs ?? owner, schemas]);
    return Object.freeze({ owner: ownerAs ?? owner, schemas, facts: rows });
  } finally {
    await client.query('rollback').catch(() => {});
  }
}

async function migrationsOwner(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ owner: string }>(
    `select pg_get_userbyid(coalesce(
       (select mode() within group (order by c.relowner) from pg_class c
         where c.relnamespace = to_regnamespace('public') and c.relkind in ('r', 'p')
           and not ${fromExtension('pg_class', 'c.oid')}),
       (select nspowner from pg_namespace where nspname = 'structdb'),
       (select datdba from pg_database where datname = current_database())))::text as owner`,
  );
  return rows[0]!.owner;
}

/** All schemas but PostgreSQL's own and those of extensions, sorted. */
export async function readUserSchemas(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select n.nspname::text as name from pg_namespace n
      where ${USER_SCHEMA} and not ${fromExtension('pg_namespace', 'n.oid')} order by n.nspname collate "C"`,
  );
  return rows.map(({ name }) => name);
}
