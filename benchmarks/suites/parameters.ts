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

/**
 * Projects spread over all keys and what they lead to: a step in an index for each, at any size of the tables. Who has many
 * projects is asked for often, as in life.
 */
export async function drawParameters(db: Kysely<Database>): Promise<Parameters> {
  const { rows } = await sql<Drawn>`
    select p.project_id, p.account_id, p.created_by, p.customer, p.constants_version, p.content_sha256 as project_hash,
      d.content_sha256 as payload_hash, e.actor
    from generate_series(0, ${COUNT - 1}::int) as probe,
    lateral (
      select project_id, content_sha256 from project_payloads
      where project_id >= (lpad(to_hex(probe * 256 / ${COUNT}::int), 2, '0') || '000000-0000-0000-0000-000000000000')::uuid
      order by project_id limit 1
    ) as d
    join projects p on p.project_id = d.project_id,
    lateral (
      select actor from project_events where project_id = d.project_id order by occurred_at desc limit 1
    ) as e
    order by md5(probe::text)`.execute(db);
  const column = (name: keyof Drawn) => rows.map((row) => row[name]).filter((value) => value !== null);
  return {
    accounts: column('account_id'),
    activePages: await drawActivePages(db),
    actors: column('actor'),
    creators: column('created_by'),
    customers: column('customer'),
    designations: await drawDesignations(db),
    payloadHashes: column('payload_hash'),
    projectHashes: column('project_hash'),
    projects: column('project_id'),
    releases: column('constants_version'),
  };
}

type Drawn = Readonly<
  Record<'account_id' | 'actor' | 'created_by' | 'customer' | 'payload_hash' | 'project_id', string> &
    Record<'constants_version' | 'project_hash', string | null>
>;

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

/** By their MD5: in no order that an index has. */
async function drawDesignations(db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ designation: string }>`
    select designation from material_catalog group by designation order by md5(designation) limit ${COUNT}`.execute(db);
  return rows.map(({ designation }) => designation);
}
