import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { asStep } from '../../core/progress.ts';
import { readAppliedMigrations } from '../../database/bookkeeping.ts';
import { type RecordedSql, readRecordedSql } from '../../database/recorded-sql.ts';
import type { SearchPlaces } from '../../programs/find.ts';
import { checksumOf, compileMigration, joinStatements } from '../compile.ts';
import { type RegisteredMigration, type Registry, registry as shipped } from '../registry.ts';
import { withMigrator } from '../session.ts';
import { inScratchOnly, withMigrated } from './built-schema.ts';
import { normaliseSql } from './normalise-sql.ts';
import { compareSchemas, type SchemaDifference } from './schema-difference.ts';
import { readSchemaFacts, readUserSchemas } from './schema-facts.ts';
import { mayCreateDatabases, withScratchDatabase } from './scratch-database.ts';
import type { withScratchServer } from './scratch-server.ts';

export interface VerifyOptions {
  readonly connection: ConnectionSettings;
  readonly registry?: Registry;
  /** White space, comments and the letter case of keywords do not count. */
  readonly lenient?: boolean;
  /** Objects of others, as compareSchemas takes them. */
  readonly ignore?: readonly string[];
  /** Where the programs of a private scratch server are looked for. */
  readonly places: SearchPlaces;
  /** A private scratch server also where the role may create databases. */
  readonly privateServer?: boolean;
}

/**
 * `same`: recorded with the SQL that the migration has. `no checksum`: another tool applied it; nothing is known, so
 * nothing differs. `missing file`: applied, but not among the migrations.
 */
export type ChecksumState = 'same' | 'edited' | 'no checksum' | 'missing file';

export interface VerifiedMigration {
  readonly name: string;
  readonly state: ChecksumState;
  /** SHA-256 of the SQL as recorded, and of the migration now; null where there is none. */
  readonly recorded: string | null;
  readonly checksum: string | null;
}

export interface VerifyResult {
  readonly database: string;
  readonly mode: 'strict' | 'lenient';
  /** Where the migrations were tried; null when none is applied, so that there is nothing to compare with. */
  readonly scratch: 'database' | 'server' | null;
  /** The applied ones, in the order of their names. */
  readonly migrations: readonly VerifiedMigration[];
  /** `expected`: what the migrations make. `found`: what the database has. */
  readonly differences: readonly SchemaDifference[];
}

/**
 * Whether the database is what its migrations say: their SQL against what was recorded when they were applied, and the
 * schema against what the applied ones make in a scratch database. Reads only; takes no lock that anybody waits for.
 * @throws PERMISSION_DENIED when neither a scratch database nor a private server is possible, MIGRATION_FAILED
 */
export async function verify(options: VerifyOptions, context: RunContext): Promise<VerifyResult> {
  const { connection, registry = shipped, lenient = false, ignore = [] } = options;
  return withMigrator(connection, 0, context, async ({ client, db }) => {
    const applied = (await readAppliedMigrations(db)).map(({ name }) => name).sort();
    const recorded = await readRecordedSql(db);
    const migrations = await Promise.all(
      applied.map((name) => verifyChecksum(name, registry[name], recorded.get(name), lenient)),
    );
    const known = applied.filter((name) => name in registry);
    const result = { database: connection.database, mode: lenient ? 'lenient' : 'strict', migrations } as const;
    if (known.length === 0) return Object.freeze({ ...result, scratch: null, differences: [] });
    const live = await readSchemaFacts(client);
    // Only what is applied here, also where one was skipped.
    const same: Registry = Object.fromEntries(known.map((name) => [name, registry[name]!]));
    const { scratch, built } = await inScratch(client, options, context, (database) =>
      withMigrated(database, same, known.at(-1)!, context, async (session) =>
        readSchemaFacts(session, { ownerAs: live.owner, schemas: await readUserSchemas(session) }),
      ),
    );
    // The migrations may make schemas of their own.
    const { schemas } = built;
    const found = schemas.join() === live.schemas.join() ? live : await readSchemaFacts(client, { schemas });
    return Object.freeze({ ...result, scratch, differences: compareSchemas(built, found, { ignore }) });
  });
}

/** What a verification with deviations answers; the result has each of them. */
export function judgeVerify({ database, differences, migrations }: VerifyResult): StructdbError | undefined {
  const edited = migrations.filter(({ state }) => state === 'edited').map(({ name }) => name);
  const missing = migrations.filter(({ state }) => state === 'missing file').map(({ name }) => name);
  if (differences.length > 0) {
    const count = differences.length === 1 ? 'one difference' : `${differences.length} differences`;
    return new StructdbError('SCHEMA_DIFFERS', `Database "${database}" is not what its migrations make: ${count}.`, {
      hint: 'Write a migration for it, or take it back in the database; what other tools own: --ignore <pattern>',
    });
  }
  if (missing.length > 0) {
    return new StructdbError('MIGRATION_CHANGED', `Applied, but not among the migrations: ${missing.join(', ')}.`, {
      hint: 'Use the structdb, or the folder of migrations, that applied them.',
    });
  }
  if (edited.length === 0) return undefined;
  return new StructdbError('MIGRATION_CHANGED', `Edited after it was applied: ${edited.join(', ')}.`, {
    hint: `After a deliberate edit: structdb migrate repair ${edited.join(' ')}`,
  });
}

async function verifyChecksum(
  name: string,
  migration: RegisteredMigration | undefined,
  record: RecordedSql | undefined,
  lenient: boolean,
): Promise<VerifiedMigration> {
  const recorded = record?.checksum ?? null;
  if (migration === undefined) return { name, state: 'missing file', recorded, checksum: null };
  const sql = joinStatements(await compileMigration(migration, 'up'));
  const checksum = checksumOf(sql);
  const state = record === undefined ? 'no checksum' : isSame(record, sql, lenient) ? 'same' : 'edited';
  return { name, state, recorded, checksum };
}

/** A record whose SQL is not that of its checksum says nothing that could be compared leniently. */
function isSame(record: RecordedSql, sql: string, lenient: boolean): boolean {
  if (record.checksum === checksumOf(sql)) return true;
  if (!lenient || record.checksum !== checksumOf(record.sql)) return false;
  return normaliseSql(record.sql) === normaliseSql(sql);
}

/** Read only when needed: what runs programs takes longer to load than a short command to run. */
async function onScratchServer<T>(...args: Parameters<typeof withScratchServer<T>>): Promise<T> {
  const { withScratchServer } = await import('./scratch-server.ts');
  return withScratchServer(...args);
}

async function inScratch<T>(
  live: pg.Client,
  { connection, places, privateServer = false }: VerifyOptions,
  context: RunContext,
  work: (scratch: ConnectionSettings) => Promise<T>,
): Promise<{ readonly scratch: 'database' | 'server'; readonly built: T }> {
  const scratch = !privateServer && (await mayCreateDatabases(live)) ? 'database' : 'server';
  const where = scratch === 'database' ? 'a scratch database' : 'a private scratch server';
  const built = await asStep(context, 'verify.scratch', `Applying the migrations to ${where}`, () =>
    scratch === 'database'
      ? withScratchDatabase(connection, context, work)
      : onScratchServer(live, connection, places, context, work),
  ).catch((error: unknown) => {
    throw inScratchOnly(error, 'The applied migrations', 'structdb migrate verify');
  });
  return { scratch, built };
}
