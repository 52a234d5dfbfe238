import { sql } from 'kysely';
import { at } from './parameters.ts';
import type { BenchQuery } from './query.ts';

/** Groups over many rows. Where all rows count, reading the whole table is right and no index is asked for. */
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
    asks: 'how many projects were calculated with a release of the constants',
    index: 'projects_constants_version_idx',
    build: (db, { releases }, turn) =>
      db
        .selectFrom('projects')
        .select((eb) => eb.fn.countAll().as('projects'))
        .where('constants_version', '=', at(releases, turn)),
  },
  {
    name: 'projects-by-status',
    class: 'aggregation',
    asks: 'all projects by status, with the mean confidence of their results',
    build: (db) =>
      db
        .selectFrom('projects')
        .select((eb) => ['status', eb.fn.countAll().as('projects'), eb.fn.avg('confidence').as('mean_confidence')])
        .groupBy('status'),
  },
  {
    name: 'busiest-customers',
    class: 'aggregation',
    asks: 'the customers with most projects, and when they were last at work',
    build: (db) =>
      db
        .selectFrom('projects')
        .select((eb) => ['customer', eb.fn.countAll().as('projects'), eb.fn.max('updated_at').as('last_activity')])
        .groupBy('customer')
        .orderBy('projects', 'desc')
        .limit(20),
  },
  {
    name: 'events-by-kind',
    class: 'aggregation',
    asks: 'how much of each kind happened',
    build: (db) =>
      db
        .selectFrom('project_events')
        .select((eb) => ['event_type', eb.fn.countAll().as('events')])
        .groupBy('event_type'),
  },
  {
    name: 'events-by-month',
    class: 'aggregation',
    asks: 'how much of each kind happened in each month of a year',
    build: (db, _parameters, turn) => {
      const year = 2023 + (turn % 3);
      const month = sql<Date>`date_trunc('month', occurred_at, 'UTC')`;
      return db
        .selectFrom('project_events')
        .select((eb) => [month.as('month'), 'event_type', eb.fn.countAll().as('events')])
        .where('occurred_at', '>=', new Date(Date.UTC(year, 0, 1)))
        .where('occurred_at', '<', new Date(Date.UTC(year + 1, 0, 1)))
        .groupBy([month, 'event_type'])
        .orderBy('month');
    },
  },
];
