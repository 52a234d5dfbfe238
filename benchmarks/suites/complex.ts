import { activePage } from './active-page.ts';
import { fixed } from './literal.ts';
import { at } from './parameters.ts';
import type { BenchQuery } from './query.ts';

const DAY_MS = 86_400_000;
/** Within the years of the sample. */
const FIRST_DAY = Date.UTC(2023, 0, 1);

/** Joins of several tables. */
export const complexQueries: readonly BenchQuery[] = [
  {
    name: 'project-dossier',
    class: 'complex',
    asks: 'a project with its latest design and how often it was touched',
    index: 'project_payloads_project_id_version_key',
    build: (db, { projects }, turn) =>
      db
        .selectFrom('projects as p')
        .innerJoinLateral(
          (eb) =>
            eb
              .selectFrom('project_payloads as d')
              .select(['d.version as design_version', 'd.module', 'd.payload'])
              .whereRef('d.project_id', '=', 'p.project_id')
              .where('d.project_id', '=', at(projects, turn))
              .orderBy('d.version', 'desc')
              .limit(fixed(1))
              .as('latest'),
          (join) => join.onTrue(),
        )
        .select(['p.name', 'p.status', 'p.version', 'latest.design_version', 'latest.module', 'latest.payload'])
        .select((eb) =>
          eb
            .selectFrom('project_events as e')
            .select((inner) => inner.fn.countAll().as('count'))
            .whereRef('e.project_id', '=', 'p.project_id')
            .as('touched'),
        )
        .where('p.project_id', '=', at(projects, turn)),
  },
  {
    name: 'active-board-with-last-event',
    class: 'complex',
    asks: 'the active board, each project with what happened last',
    index: 'projects_active_updated_at_idx',
    // The page first: the last event is looked up for its rows alone.
    build: (db, { activePages }, turn) =>
      db
        .selectFrom(activePage(db, at(activePages, turn), 50).as('p'))
        .leftJoinLateral(
          (eb) =>
            eb
              .selectFrom('project_events as e')
              .select(['e.event_type', 'e.actor', 'e.occurred_at'])
              .whereRef('e.project_id', '=', 'p.project_id')
              .orderBy('e.occurred_at', 'desc')
              .limit(fixed(1))
              .as('last'),
          (join) => join.onTrue(),
        )
        .select(['p.project_id', 'p.name', 'p.updated_at', 'last.event_type', 'last.actor', 'last.occurred_at'])
        .orderBy('p.updated_at', 'desc')
        .orderBy('p.project_id', 'desc'),
  },
  {
    name: 'engineer-activity',
    class: 'complex',
    asks: 'what an engineer did last, and on which projects',
    index: 'project_events_actor_idx',
    build: (db, { actors }, turn) =>
      db
        // The events first: joined before they are cut, some hundreds make a scan of all projects look cheaper.
        .selectFrom((eb) =>
          eb
            .selectFrom('project_events')
            .select(['project_id', 'event_type', 'occurred_at'])
            .where('actor', '=', at(actors, turn))
            .orderBy('occurred_at', 'desc')
            .limit(fixed(50))
            .as('e'),
        )
        .innerJoin('projects as p', 'p.project_id', 'e.project_id')
        .select(['e.event_type', 'e.occurred_at', 'p.name', 'p.status'])
        .orderBy('e.occurred_at', 'desc'),
  },
  {
    name: 'restored-projects',
    class: 'complex',
    asks: 'a batch of projects that were brought back from the archive, to be calculated again',
    index: 'project_events_event_type_idx',
    build: (db) =>
      db
        .selectFrom('project_events as e')
        .innerJoin('projects as p', 'p.project_id', 'e.project_id')
        .select(['p.project_id', 'p.name', 'e.actor', 'e.occurred_at'])
        .where('e.event_type', '=', fixed('restored'))
        .limit(fixed(50)),
  },
  {
    name: 'begun-in-a-week',
    class: 'complex',
    asks: 'the first projects begun in a week, with the number of their designs',
    index: 'projects_created_at_idx',
    build: (db, _parameters, turn) => {
      const from = FIRST_DAY + (turn % 120) * 7 * DAY_MS;
      return db
        .selectFrom((eb) =>
          eb
            .selectFrom('projects')
            .select(['project_id', 'name', 'created_at'])
            .where('created_at', '>=', new Date(from))
            .where('created_at', '<', new Date(from + 7 * DAY_MS))
            .orderBy('created_at')
            .limit(fixed(50))
            .as('p'),
        )
        .select(['p.project_id', 'p.name', 'p.created_at'])
        .select((eb) =>
          eb
            .selectFrom('project_payloads as d')
            .select((inner) => inner.fn.countAll().as('count'))
            .whereRef('d.project_id', '=', 'p.project_id')
            .as('designs'),
        )
        .orderBy('p.created_at');
    },
  },
];
