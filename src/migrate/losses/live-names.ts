import type pg from 'pg';
import type { RelationName } from '../relation-name.ts';
import type { DroppedName } from './down-actions.ts';

/** A relation that the database has, by the name that it has there now. */
export interface LiveRelation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** pg_class.relkind: `r` table, `p` partitioned, `v` view, `m` materialised view, `f` foreign table, `S` sequence. */
  readonly kind: string;
}

/** An object as pg_depend names it. */
export interface ObjectAddress {
  readonly catalog: 'pg_class' | 'pg_type' | 'pg_namespace' | 'pg_extension' | 'pg_proc' | 'pg_constraint';
  readonly oid: number;
  /** The number of the column; 0 for the whole. */
  readonly part: number;
}

/**
 * Names as the statements of a down will understand them, although nothing runs: by the search path of the connection
 * and what the statements before have renamed, moved or made. Asks the catalogs, so no lock and no right is needed.
 */
export class LiveNames {
  readonly #client: pg.Client;
  readonly #user: string;
  readonly #defaultPath: readonly string[];
  #sessionPath: readonly string[];
  #localPath: readonly string[] | undefined;
  /** By later name: the relation that has it then; null where none has (`moved`), or one that is not there yet. */
  readonly #relations = new Map<string, LiveRelation | 'moved' | 'made'>();
  readonly #columns = new Map<string, string>();
  readonly #schemas = new Map<string, string>();
  readonly #isGone: (oid: number) => boolean;

  private constructor(client: pg.Client, user: string, path: readonly string[], isGone: (oid: number) => boolean) {
    this.#client = client;
    this.#user = user;
    this.#defaultPath = path;
    this.#sessionPath = path;
    this.#isGone = isGone;
  }

  /** `isGone`: whether the statements before have dropped a relation. */
  static async open(client: pg.Client, isGone: (oid: number) => boolean): Promise<LiveNames> {
    const { rows } = await client.query<{ user: string; path: string[] }>(
      'select current_user::text as user, current_schemas(false)::text[] as path',
    );
    return new LiveNames(client, rows[0]!.user, rows[0]!.path, isGone);
  }

  get path(): readonly string[] {
    return this.#localPath ?? this.#sessionPath;
  }

  /** Undefined takes the connection's own back. `local` holds until the end of the migration. */
  setPath(schemas: readonly string[] | undefined, local: boolean): void {
    const path = schemas?.map((schema) => (schema === '$user' ? this.#user : schema)) ?? this.#defaultPath;
    this.#localPath = local ? path : undefined;
    if (!local) this.#sessionPath = path;
  }

  endMigration(): void {
    this.#localPath = undefined;
  }

  async relation({ schema, name }: RelationName): Promise<LiveRelation | undefined> {
    for (const each of schema === null ? this.path : [schema]) {
      const known = this.#relations.get(keyOf(each, name));
      if (known === 'made') return undefined;
      if (known === 'moved') continue;
      const found = known ?? (await this.#find(this.#schemas.get(each) ?? each, name));
      if (found !== undefined && !this.#isGone(found.oid)) return found;
    }
    return undefined;
  }

  /** The name that a column has now. */
  column({ oid }: LiveRelation, name: string): string {
    return this.#columns.get(keyOf(String(oid), name)) ?? name;
  }

  /** Where a new relation of this name would be, as one text. */
  place({ schema, name }: RelationName): string {
    return keyOf(schema ?? this.path[0] ?? '', name);
  }

  async rename(relation: RelationName, to: string): Promise<string | undefined> {
    return this.#put(relation, ({ schema }) => ({ schema, name: to }));
  }

  async move(relation: RelationName, to: string): Promise<string | undefined> {
    return this.#put(relation, ({ name }) => ({ schema: to, name }));
  }

  async renameColumn(relation: RelationName, from: string, to: string): Promise<void> {
    const found = await this.relation(relation);
    if (found !== undefined) this.#columns.set(keyOf(String(found.oid), to), this.column(found, from));
  }

  renameSchema(from: string, to: string): void {
    this.#schemas.set(to, this.#schemas.get(from) ?? from);
  }

  async make(relation: RelationName): Promise<string> {
    const place = this.place(relation);
    if ((await this.relation(relation)) === undefined) this.#relations.set(place, 'made');
    return place;
  }

  /** The place that is filled now. */
  async #put(
    relation: RelationName,
    target: (from: { readonly schema: string; readonly name: string }) => {
      readonly schema: string;
      readonly name: string;
    },
  ): Promise<string | undefined> {
    const from = await this.#placeOf(relation);
    if (from === undefined) return undefined;
    const found = this.#relations.get(keyOf(from.schema, from.name)) ?? (await this.relation(relation));
    const to = target(from);
    this.#relations.set(keyOf(from.schema, from.name), 'moved');
    if (found !== undefined) this.#relations.set(keyOf(to.schema, to.name), found);
    return keyOf(to.schema, to.name);
  }

  async #placeOf({
    schema,
    name,
  }: RelationName): Promise<{ readonly schema: string; readonly name: string } | undefined> {
    for (const each of schema === null ? this.path : [schema]) {
      const known = this.#relations.get(keyOf(each, name));
      if (known === 'moved') continue;
      if (known !== undefined || (await this.#find(this.#schemas.get(each) ?? each, name)))
        return { schema: each, name };
    }
    return undefined;
  }

  async #find(schema: string, name: string): Promise<LiveRelation | undefined> {
    const { rows } = await this.#client.query<LiveRelation>(
      `select c.oid, n.nspname as schema, c.relname as name, c.relkind as kind
         from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = $1 and c.relname = $2`,
      [schema, name],
    );
    return rows[0];
  }

  async columnAddress({ oid }: LiveRelation, column: string): Promise<ObjectAddress | undefined> {
    const { rows } = await this.#client.query<{ part: number }>(
      `select attnum as part from pg_catalog.pg_attribute
        where attrelid = $1 and attname = $2 and attnum > 0 and not attisdropped`,
      [oid, column],
    );
    return rows[0] && { catalog: 'pg_class', oid, part: rows[0].part };
  }

  constraint({ oid }: LiveRelation, name: string): Promise<ObjectAddress[]> {
    return this.#addresses(
      'pg_constraint',
      'select oid from pg_catalog.pg_constraint where conrelid = $1 and conname = $2',
      [oid, name],
    );
  }

  schema(name: string): Promise<ObjectAddress[]> {
    return this.#addresses('pg_namespace', 'select oid from pg_catalog.pg_namespace where nspname = $1', [
      this.#schemas.get(name) ?? name,
    ]);
  }

  extension(name: string): Promise<ObjectAddress[]> {
    return this.#addresses('pg_extension', 'select oid from pg_catalog.pg_extension where extname = $1', [name]);
  }

  type({ schema, name }: RelationName): Promise<ObjectAddress[]> {
    return this.#addresses(
      'pg_type',
      `select t.oid from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
        where n.nspname = any($1) and t.typname = $2 order by array_position($1, n.nspname::text) limit 1`,
      [this.#schemasFor(schema), name],
    );
  }

  /** Several where the name alone does not say which. */
  routine({ schema, name, arity }: DroppedName): Promise<ObjectAddress[]> {
    return this.#addresses(
      'pg_proc',
      `select p.oid from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
        where n.nspname = any($1) and p.proname = $2 and ($3::int is null or p.pronargs = $3)`,
      [this.#schemasFor(schema), name, arity ?? null],
    );
  }

  /** Those of the routines that may write, and are not PostgreSQL's own; as SQL writes them. */
  async writers(names: readonly RelationName[]): Promise<string[]> {
    const found = new Set<string>();
    for (const { schema, name } of names) {
      if (DELETES_LARGE_OBJECTS.has(name)) found.add(name);
      if (schema === 'pg_catalog') continue;
      const { rows } = await this.#client.query<{ name: string }>(
        `select distinct format('%I.%I', n.nspname, p.proname) as name
           from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
          where n.nspname = any($1) and p.proname = $2 and p.provolatile = 'v' and p.prokind in ('f', 'p')
            and ($3 or not exists (select from pg_catalog.pg_proc own
              where own.pronamespace = 'pg_catalog'::regnamespace and own.proname = $2))`,
        [this.#schemasFor(schema), name, schema !== null],
      );
      for (const row of rows) found.add(row.name);
    }
    return [...found];
  }

  #schemasFor(schema: string | null): string[] {
    return (schema === null ? this.path : [schema]).map((each) => this.#schemas.get(each) ?? each);
  }

  async #addresses(
    catalog: ObjectAddress['catalog'],
    query: string,
    values: readonly unknown[],
  ): Promise<ObjectAddress[]> {
    const { rows } = await this.#client.query<{ oid: number }>(query, [...values]);
    return rows.map(({ oid }) => ({ catalog, oid, part: 0 }));
  }
}

/** PostgreSQL's own functions that take data away. */
const DELETES_LARGE_OBJECTS: ReadonlySet<string> = new Set(['lo_unlink', 'lo_truncate', 'lo_truncate64']);

function keyOf(schema: string, name: string): string {
  return JSON.stringify([schema, name]);
}
