import { type Kysely, sql } from 'kysely';
import { codeOf } from '../core/errors.ts';

/** The SQL of a migration as it is recorded, and its SHA-256. */
export interface RecordedSql {
  readonly name: string;
  readonly checksum: string;
  readonly sql: string;
}

/** What is recorded for the applied migrations, by name. One that another tool applied has nothing recorded. Writes nothing. */
export async function readRecordedSql(db: Kysely<unknown>): Promise<ReadonlyMap<string, RecordedSql>> {
  try {
    const { rows } = await sql<RecordedSql>`select m.name, m.checksum, m.sql from structdb.migrations m
      join structdb.kysely_migration k on k.name = m.name`.execute(db);
    return new Map(rows.map((row) => [row.name, row]));
  } catch (error) {
    // 42P01 undefined table, also for a schema that is not there: nothing was migrated by structdb.
    if (codeOf(error) === '42P01' || codeOf(error) === '3F000') return new Map();
    throw error;
  }
}

/** Replaces SQL and checksum of an applied migration; who applied it, when and with what stays. */
export async function correctRecordedSql(db: Kysely<unknown>, record: RecordedSql): Promise<void> {
  await sql`update structdb.migrations set checksum = ${record.checksum}, sql = ${record.sql}
    where name = ${record.name}`.execute(db);
}
