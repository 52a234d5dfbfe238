import { type Kysely, sql } from 'kysely';
import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { toolVersion } from '../../core/tool-version.ts';
import {
  BOOKKEEPING_SCHEMA,
  ensureBookkeeping,
  readAppliedMigrations,
  recordStatement,
} from '../../database/bookkeeping.ts';
import { checksumOf, compileMigration, joinStatements } from '../compile.ts';
import { resolve } from '../plan/plan.ts';
import { namesOf, type Registry, registry as shipped } from '../registry.ts';
import { requireWritableSession } from '../run/preflight.ts';
import { requireMigrationPrivileges } from '../run/privileges.ts';
import { DEFAULT_LOCK_TIMEOUT_MS } from '../run/timeouts.ts';
import { withMigrator } from '../session.ts';
import { inScratchOnly, withMigrated } from './built-schema.ts';
import { readDatabaseSettings } from './database-settings.ts';
import { findOtherBooks, type OtherBooks } from './other-books.ts';
import { compareSchemas, type SchemaDifference } from './schema-difference.ts';
import { readSchemaFacts, readUserSchemas, type SchemaFacts } from './schema-facts.ts';
import { withScratchDatabase } from './scratch-database.ts';

export interface BaselineOptions {
  readonly connection: ConnectionSettings;
  /** The last migration that the database already has; its number is enough. */
  readonly name: string;
  readonly registry?: Registry;
  /** Objects of others, as compareSchemas takes them. The books of other tools are left out anyway. */
  readonly ignore?: readonly string[];
}

export interface BaselineResult {
  readonly database: string;
  /** The migrations that are, or would be, recorded as applied. */
  readonly names: readonly string[];
  readonly recorded: boolean;
  /** `expected`: what these migrations make. `found`: what the database has. Empty when the schema matches. */
  readonly differences: readonly SchemaDifference[];
  /** Where other tools keep their books in this database; they stay. */
  readonly otherBooks: readonly OtherBooks[];
}

/**
 * Compares the database with what the migrations up to `name` make in a scratch database of the same server, as `verify`
 * does: in the schemas that they make things in, but structdb's own, and the settings of the database that they make.
 * Writes nothing in the database itself.
 * @throws USAGE, BASELINE_RECORDED, POOLED_CONNECTION, SERVER_READ_ONLY, PERMISSION_DENIED, MIGRATION_FAILED
 */
export async function compareBaseline(
  { connection, name, registry = shipped, ignore = [] }: BaselineOptions,
  context: RunContext,
): Promise<BaselineResult> {
  const names = namesUpTo(name, registry);
  return withMigrator(connection, 0, context, async ({ client, db }) => {
    await requireWritableSession(client, connection, DEFAULT_LOCK_TIMEOUT_MS);
    await requireMigrationPrivileges(client, connection);
    await refuseRecorded(db);
    const otherBooks = await findOtherBooks(client);
    const built = await withScratchDatabase(connection, context, (scratch) =>
      withMigrated(scratch, registry, names.at(-1)!, context, async (session) =>
        readMade(
          session,
          (await readUserSchemas(session)).filter((schema) => schema !== BOOKKEEPING_SCHEMA),
        ),
      ),
    ).catch((error: unknown) => {
      throw inScratchOnly(error, 'The migrations', `structdb migrate baseline ${name}`);
    });
    const live = await readMade(client, built.schemas);
    const differences = compareSchemas(built, withSettingsOf(built, live), {
      ignore: [...ignore, ...otherBooks.map(({ table }) => table)],
    });
    return Object.freeze({ database: connection.database, names, recorded: false, differences, otherBooks });
  });
}

/**
 * Compares, and records the migrations up to `name` as applied when nothing differs: in kysely's table and in
 * structdb.migrations, with their checksums, by one transaction.
 * @throws as compareBaseline, and LOCKED
 */
export async function baseline(options: BaselineOptions, context: RunContext): Promise<BaselineResult> {
  const compared = await compareBaseline(options, context);
  if (compared.differences.length > 0) return compared;
  return recordBaseline(compared, options, context);
}

/** The second half of `baseline`, after somebody was asked. @throws BASELINE_RECORDED, LOCKED */
export function recordBaseline(
  compared: BaselineResult,
  { connection, registry = shipped }: Omit<BaselineOptions, 'name'>,
  context: RunContext,
): Promise<BaselineResult> {
  return withMigrator(connection, 0, context, async ({ db }) => {
    const { adapter } = db.getExecutor();
    const lock = { lockTable: '', lockRowId: '', lockTableSchema: '' };
    await adapter.acquireMigrationLock(db, lock);
    try {
      await db.transaction().execute(async (trx) => {
        await ensureBookkeeping(trx);
        await refuseRecorded(trx);
        for (const name of compared.names) await record(trx, name, registry);
      });
    } finally {
      await adapter.releaseMigrationLock(db, lock);
    }
    return Object.freeze({ ...compared, recorded: true });
  });
}

/** What a baseline with differences answers. */
export function judgeBaseline({ differences, names, database }: BaselineResult): StructdbError | undefined {
  if (differences.length === 0) return undefined;
  const count = differences.length === 1 ? 'one difference' : `${differences.length} differences`;
  return new StructdbError(
    'SCHEMA_DIFFERS',
    `Database "${database}" is not what ${names.at(-1)} makes: ${count}. Nothing was recorded.`,
    {
      hint: 'Bring the schema to that state with the tool that built it, or name an earlier migration; what others own: --ignore <pattern>',
    },
  );
}

/** A way back remembers in tables of schema structdb what it found: they are made, empty, so that it keeps what is there. */
const MEMORY = /^\s*create table if not exists structdb\./i;

async function record(db: Kysely<unknown>, name: string, registry: Registry): Promise<void> {
  const statements = await compileMigration(registry[name]!, 'up');
  for (const statement of statements.filter((text) => MEMORY.test(text))) await sql.raw(statement).execute(db);
  const text = joinStatements(statements);
  const entry = { name, sql: text, checksum: checksumOf(text), durationMs: 0, toolVersion: toolVersion() };
  await sql.raw(recordStatement(entry)).execute(db);
}

function namesUpTo(wish: string, registry: Registry): string[] {
  const all = namesOf(registry);
  return all.slice(0, all.indexOf(resolve(wish, all)) + 1);
}

async function refuseRecorded(db: Kysely<unknown>): Promise<void> {
  const applied = await readAppliedMigrations(db);
  if (applied.length === 0) return;
  throw new StructdbError(
    'BASELINE_RECORDED',
    `structdb has migrations on record here already, the last one ${applied.at(-1)!.name}: there is nothing to adopt.`,
    { hint: 'Run: structdb migrate status' },
  );
}

/**
 * What migrations made, with the owner of the database and who is connected as one owner: what is recorded is theirs to
 * change.
 */
async function readMade(client: pg.Client, schemas: readonly string[]): Promise<SchemaFacts> {
  const made = await readSchemaFacts(client, { owners: await ownersOf(client), ownerAs: 'the owner', schemas });
  return Object.freeze({ ...made, facts: [...made.facts, ...(await readDatabaseSettings(client))] });
}

/** Only those that the migrations make: others are the administrator's. */
function withSettingsOf(built: SchemaFacts, live: SchemaFacts): SchemaFacts {
  const made = new Set(built.facts.filter(({ object }) => object === 'setting').map(({ name }) => name));
  const facts = live.facts.filter(({ object, name }) => object !== 'setting' || made.has(name));
  return Object.freeze({ ...live, facts });
}

/** Who may own what the migrations made: the owner of the database, and who is connected. */
async function ownersOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ owner: string; me: string }>(
    'select pg_get_userbyid(datdba) as owner, current_user as me from pg_database where datname = current_database()',
  );
  return [...new Set([rows[0]!.owner, rows[0]!.me])];
}
