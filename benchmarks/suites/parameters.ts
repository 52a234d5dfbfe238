import { type Kysely, sql } from 'kysely';
import type { Database } from 'structdb';

/** Values that are in the database, so that queries find something; the same for the same data. */
export interface Parameters {
  readonly accounts: readonly string[];
  readonly activePages: readonly Cursor[];
  readonly actors: readonly string[];
  readonly creators: readonly string[];
  readonly customers: readonly string[];
  readonly designations: readonly string[];
  readonly payloadHashes: readonly string[];
  readonly projectHashes: readonly string[];
  readonly projects: readonly string[];
  readonly releases: readonly string[];
}

/** The last row of the page before: the next begins behind it, however far down the list it is. */
export interface Cursor {
  readonly updatedAt: string;
  readonly projectId: string;
}

const COUNT = 64;
const PAGES = 5;
const PAGE_ROWS = 50;

/** Draws values by their MD5: spread over the whole table, in no order that an index has. */
export async function drawParameters(db: Kysely<Database>): Promise<Parameters> {
  return {
    accounts: await draw(db, 'projects', 'account_id'),
    activePages: await drawActivePages(db),
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

/** The beginning of the active board and of the pages behind it. */
async function drawActivePages(db: Kysely<Database>): Promise<Cursor[]> {
  const { rows } = await sql<Cursor>`
    select updated_at::text as "updatedAt", project_id as "projectId" from (
      select updated_at, project_id, row_number() over () as place from (
        select updated_at, project_id from projects where status = 'active'
        order by updated_at desc, project_id desc limit ${PAGES * PAGE_ROWS}
      ) as board
    ) as placed where place % ${PAGE_ROWS} = 0 order by place`.execute(db);
  return [{ updatedAt: 'infinity', projectId: 'ffffffff-ffff-ffff-ffff-ffffffffffff' }, ...rows.slice(0, PAGES - 1)];
}

async function draw(db: Kysely<Database>, table: string, column: string): Promise<string[]> {
  const { rows } = await sql<{ value: string }>`
    select value from (
      select distinct ${sql.ref(column)}::text as value from ${sql.table(table)} where ${sql.ref(column)} is not null
    ) as distinct_values order by md5(value) limit ${COUNT}`.execute(db);
  return rows.map(({ value }) => value);
}
