import { type Kysely, sql } from 'kysely';
import type { Database } from 'structdb';

/** Values that are in the database, so that queries find something; the same for the same data. */
export interface Parameters {
  readonly accounts: readonly string[];
  readonly actors: readonly string[];
  readonly creators: readonly string[];
  readonly customers: readonly string[];
  readonly designations: readonly string[];
  readonly payloadHashes: readonly string[];
  readonly projectHashes: readonly string[];
  readonly projects: readonly string[];
  readonly releases: readonly string[];
}

const COUNT = 64;

/** Draws values by their MD5: spread over the whole table, in no order that an index has. */
export async function drawParameters(db: Kysely<Database>): Promise<Parameters> {
  return {
    accounts: await draw(db, 'projects', 'account_id'),
    actors: await draw(db, 'project_events', 'actor'),
    creators: await draw(db, 'projects', 'created_by'),
    customers: await draw(db, 'projects', 'customer'),
    designations: await draw(db, 'material_catalog', 'designation'),
    payloadHashes: await draw(db, 'project_payloads', 'content_sha256'),
    projectHashes: await draw(db, 'projects', 'content_sha256'),
    projects: await draw(db, 'project_payloads', 'project_id'),
    releases: await draw(db, 'projects', 'constants_version'),
  };
}

/** The value of this turn. */
export function at<T>(values: readonly T[], turn: number): T {
  const value = values[turn % values.length];
  if (value === undefined) throw new Error('The database has no rows to ask for.');
  return value;
}

async function draw(db: Kysely<Database>, table: string, column: string): Promise<string[]> {
  const { rows } = await sql<{ value: string }>`
    select value from (
      select distinct ${sql.ref(column)}::text as value from ${sql.table(table)} where ${sql.ref(column)} is not null
    ) as distinct_values order by md5(value) limit ${COUNT}`.execute(db);
  return rows.map(({ value }) => value);
}
