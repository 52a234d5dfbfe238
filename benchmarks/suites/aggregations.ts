import { type Kysely, sql } from 'kysely';
import type { Database, ProjectStatus } from 'structdb';
import { fixed } from './literal.ts';
import { at } from './parameters.ts';
import type { BenchQuery } from './query.ts';

const BADGE = 1000;
const LATEST = 50;

/**
 * Groups over many rows: of an account, or from the view. What groups all rows of a table takes longer the more there are,
 * at any index, and is no question for a page (docs/performance.md).
 */
export const aggregations: readonly BenchQuery[] = [
  {
    name: 'account-dashboard',
    class: 'aggregation',
    asks: 'an account’s projects by status and month, from the materialised view',
    index: 'project_dashboard_key',
    build: (db, { accounts }, turn) =>
      db
        .selectFrom('project_dashboard')
        .select(['status', 'month', 'project_count', 'last_activity', 'mean_confidence'])
        .where('account_id', '=', at(accounts, turn))
        .orderBy('month', 'desc'),
  },
  {
    name: 'release-use',
    class: 'aggregation',
    asks: 'how many projects were calculated with a release of the constants, up to “1,000 and more”',
    index: 'projects_constants_version_idx',
    build: (db, { releases }, turn) =>
      db
        .selectFrom((eb) =>
          eb
            .selectFrom('projects')
            .select('constants_version')
            .where('constants_version', '=', at(releases, turn))
            .limit(fixed(BADGE))
            .as('used'),
        )
        .select((eb) => eb.fn.countAll().as('projects')),
  },
  {
    name: 'account-statuses',
    class: 'aggregation',
    asks: 'an account’s projects by status, with the mean confidence of their results',
    index: 'projects_account_id_status_updated_at_idx',
    build: (db, { accounts }, turn) =>
      db
        .selectFrom('projects')
        .select((eb) => ['status', eb.fn.countAll().as('projects'), eb.fn.avg('confidence').as('mean_confidence')])
        .where('account_id', '=', at(accounts, turn))
        .groupBy('status'),
  },
  {
    name: 'account-customers',
    class: 'aggregation',
    asks: 'an account’s customers with most projects, and when they were last at work',
    index: 'projects_account_id_status_updated_at_idx',
    build: (db, { accounts }, turn) =>
      db
        .selectFrom('projects')
        .select((eb) => ['customer', eb.fn.countAll().as('projects'), eb.fn.max('updated_at').as('last_activity')])
        .where('account_id', '=', at(accounts, turn))
        .groupBy('customer')
        .orderBy('projects', 'desc')
        .limit(fixed(20)),
  },
  {
    name: 'account-events',
    class: 'aggregation',
    asks: 'how much of each kind happened in the active projects of an account that were changed last',
    index: 'project_events_project_id_occurred_at_idx',
    build: (db, { accounts }, turn) =>
      db
        .selectFrom(lastChanged(db, at(accounts, turn), 'active').as('p'))
        .innerJoinLateral(
          (eb) =>
            eb
              .selectFrom('project_events as e')
              .select((inner) => ['e.event_type', inner.fn.countAll().as('events')])
              .whereRef('e.project_id', '=', 'p.project_id')
              .groupBy('e.event_type')
              .as('kinds'),
          (join) => join.onTrue(),
        )
        .select((eb) => ['kinds.event_type', eb.fn.sum('kinds.events').as('events')])
        .groupBy('kinds.event_type'),
  },
  {
    name: 'account-months',
    class: 'aggregation',
    asks: 'how much of each kind happened in each month of a year, in the projects that an account completed last',
    index: 'project_events_project_id_occurred_at_idx',
    build: (db, { accounts }, turn) => {
      const year = 2023 + (turn % 3);
      const month = sql<Date>`date_trunc('month', e.occurred_at, 'UTC')`;
      return db
        .selectFrom(lastChanged(db, at(accounts, turn), 'completed').as('p'))
        .innerJoinLateral(
          (eb) =>
            eb
              .selectFrom('project_events as e')
              .select((inner) => [month.as('month'), 'e.event_type', inner.fn.countAll().as('events')])
              .whereRef('e.project_id', '=', 'p.project_id')
              .where('e.occurred_at', '>=', new Date(Date.UTC(year, 0, 1)))
              .where('e.occurred_at', '<', new Date(Date.UTC(year + 1, 0, 1)))
              .groupBy([month, 'e.event_type'])
              .as('kinds'),
          (join) => join.onTrue(),
        )
        .select((eb) => ['kinds.month', 'kinds.event_type', eb.fn.sum('kinds.events').as('events')])
        .groupBy(['kinds.month', 'kinds.event_type'])
        .orderBy('kinds.month');
    },
  },
];

/**
 * What is counted in them is counted project by project: a large account, joined as a whole, makes a scan of all events look
 * cheaper to the planner.
 */
function lastChanged(db: Kysely<Database>, account: string, status: ProjectStatus) {
  return db
    .selectFrom('projects')
    .select('project_id')
    .where('account_id', '=', account)
    .where('status', '=', fixed(status))
    .orderBy('updated_at', 'desc')
    .limit(fixed(LATEST));
}
