import { type Kysely, sql } from 'kysely';
import type { Database } from 'structdb';
import { fixed } from './literal.ts';
import type { Cursor } from './parameters.ts';

/**
 * A page of the active board, last changed first. It begins behind the last row of the page before: with OFFSET, all rows
 * of the pages before would be read and thrown away. The key breaks ties, so that no row is lost between two pages.
 *
 * The cursor comes from subqueries, whose values the planner never knows: else a plan for this cursor looks cheaper to it than
 * one for all, and it makes the same plan anew at every call, which takes longer than running it.
 */
export function activePage(db: Kysely<Database>, { updatedAt, projectId }: Cursor, rows: number) {
  return db
    .selectFrom('projects')
    .select(['project_id', 'account_id', 'name', 'customer', 'updated_at'])
    .where('status', '=', fixed('active'))
    .where(sql<boolean>`(updated_at, project_id) < ((select ${updatedAt}::timestamptz), (select ${projectId}::uuid))`)
    .orderBy('updated_at', 'desc')
    .orderBy('project_id', 'desc')
    .limit(fixed(rows));
}
