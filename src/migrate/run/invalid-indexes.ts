import { type Kysely, sql } from 'kysely';
import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { quoteIdentifier } from '../../postgres/connect.ts';
import { compileMigration, type Direction } from '../compile.ts';
import type { Registry } from '../registry.ts';
import { type CreatedIndex, createdIndex } from './created-indexes.ts';

interface InvalidIndex {
  readonly name: string;
  readonly schema: string;
  readonly table: string;
  /** Whether the schema is in the search path. */
  readonly inPath: boolean;
  /** The session that builds it right now. */
  readonly builder: number | null;
}

export interface RepairOptions {
  readonly db: Kysely<unknown>;
  readonly registry: Registry;
  /** The migrations that are about to run. */
  readonly names: readonly string[];
  readonly direction: Direction;
  readonly context: RunContext;
  /** Tells of the invalid indexes that stay; not of those that a way back may still take along. */
  readonly warns: boolean;
}

/**
 * Drops the invalid indexes that the coming migrations would build: what a CREATE INDEX CONCURRENTLY leaves that failed or
 * was killed. It serves no query, and IF NOT EXISTS takes it for the index. Other invalid ones are warned of.
 * @throws LOCKED when somebody else builds such an index right now
 */
export async function repairInvalidIndexes(options: RepairOptions): Promise<void> {
  const { db, registry, names, direction, context, warns } = options;
  const invalid = await readInvalidIndexes(db);
  if (invalid.length === 0) return;
  const planned = await plannedIndexes(registry, names, direction);
  for (const index of invalid) {
    const plan = planned.find(({ created }) => isSame(created, index));
    const qualified = `${quoteIdentifier(index.schema)}.${quoteIdentifier(index.name)}`;
    if (plan === undefined) {
      if (warns && index.builder === null) context.report(warningOf(index, qualified));
      continue;
    }
    if (index.builder !== null) throw beingBuilt(index, index.builder, plan.migration);
    context.report({
      kind: 'notice',
      message: `Index ${qualified} is invalid, because a build of it did not end: dropping it, ${plan.migration} builds it anew`,
    });
    await dropConcurrently(db, qualified);
  }
}

/** Of tables that this role may change. The parts of an index over partitions (relkind I) are no leftovers. */
async function readInvalidIndexes(db: Kysely<unknown>): Promise<InvalidIndex[]> {
  const { rows } = await sql<InvalidIndex>`
    select c.relname as name, n.nspname as schema, t.relname as table,
      n.nspname = any (current_schemas(false)) as "inPath",
      (select min(p.pid) from pg_catalog.pg_stat_progress_create_index p
        join pg_catalog.pg_locks l on l.pid = p.pid and l.relation = i.indrelid and l.granted
        where l.mode = 'ShareUpdateExclusiveLock'
          and l.database = (select oid from pg_catalog.pg_database where datname = current_database())) as builder
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indexrelid and c.relkind = 'i' and c.relpersistence <> 't'
    join pg_catalog.pg_class t on t.oid = i.indrelid and t.relkind <> 't'
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where not i.indisvalid and pg_catalog.pg_has_role(t.relowner, 'USAGE')
    order by n.nspname, c.relname`.execute(db);
  return rows;
}

async function plannedIndexes(
  registry: Registry,
  names: readonly string[],
  direction: Direction,
): Promise<{ readonly migration: string; readonly created: CreatedIndex }[]> {
  const planned = [];
  for (const migration of names) {
    for (const statement of await compileMigration(registry[migration]!, direction)) {
      const created = createdIndex(statement);
      if (created) planned.push({ migration, created });
    }
  }
  return planned;
}

function isSame(created: CreatedIndex, index: InvalidIndex): boolean {
  const sameSchema = created.schema === undefined ? index.inPath : created.schema === index.schema;
  return sameSchema && created.name === index.name && created.table === index.table;
}

/** It waits for older transactions and keeps nobody waiting, so no lock timeout must end it. */
async function dropConcurrently(db: Kysely<unknown>, qualified: string): Promise<void> {
  await sql`set lock_timeout = 0`.execute(db);
  await sql.raw(`drop index concurrently if exists ${qualified}`).execute(db);
  await sql`reset lock_timeout`.execute(db);
}

function warningOf({ name }: InvalidIndex, qualified: string) {
  // The names that REINDEX CONCURRENTLY gives to its copies (manual, REINDEX, "Rebuilding Indexes Concurrently").
  const isCopy = /_cc(new|old)\d*$/.test(name);
  return {
    kind: 'warning' as const,
    message: `Index ${qualified} is invalid: it serves no query, and costs at each write`,
    hint: `${isCopy ? 'DROP INDEX' : 'REINDEX INDEX'} CONCURRENTLY ${qualified}`,
  };
}

function beingBuilt({ name }: InvalidIndex, pid: number, migration: string): StructdbError {
  return new StructdbError(
    'LOCKED',
    `Index ${quoteIdentifier(name)}, which ${migration} creates, is being built by another session: pid ${pid}.`,
    { hint: `Wait for it; how far it is: select * from pg_stat_progress_create_index where pid = ${pid}` },
  );
}
