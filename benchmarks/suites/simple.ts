import { activePage } from './active-page.ts';
import { fixed } from './literal.ts';
import { at } from './parameters.ts';
import type { BenchQuery } from './query.ts';

const PLASTIC_MODULI = [30, 60, 100, 150, 200, 300, 450, 600, 900] as const;

/** One table, by an index. */
export const simpleQueries: readonly BenchQuery[] = [
  {
    name: 'project-list',
    class: 'simple',
    asks: 'the completed projects of an account, last changed first',
    index: 'projects_account_id_status_updated_at_idx',
    build: (db, { accounts }, turn) =>
      db
        .selectFrom('projects')
        .select(['project_id', 'name', 'customer', 'updated_at', 'version'])
        .where('account_id', '=', at(accounts, turn))
        .where('status', '=', fixed('completed'))
        .orderBy('updated_at', 'desc')
        .limit(fixed(20)),
  },
  {
    name: 'audit-trail',
    class: 'simple',
    asks: 'what happened to a project, newest first',
    index: 'project_events_project_id_occurred_at_idx',
    build: (db, { projects }, turn) =>
      db
        .selectFrom('project_events')
        .select(['event_type', 'actor', 'occurred_at', 'data'])
        .where('project_id', '=', at(projects, turn))
        .orderBy('occurred_at', 'desc')
        .limit(fixed(50)),
  },
  {
    name: 'active-board',
    class: 'simple',
    asks: 'the active projects of everybody, last changed first',
    index: 'projects_active_updated_at_idx',
    build: (db, { activePages }, turn) => activePage(db, at(activePages, turn), 20),
  },
  {
    name: 'design-version',
    class: 'simple',
    asks: 'a version of a project’s design',
    index: 'project_payloads_project_id_version_key',
    build: (db, { projects }, turn) =>
      db
        .selectFrom('project_payloads')
        .select(['payload_id', 'module', 'payload', 'content_sha256'])
        .where('project_id', '=', at(projects, turn))
        .where('version', '=', fixed(1)),
  },
  {
    name: 'created-by',
    class: 'simple',
    asks: 'the projects that an engineer began last',
    index: 'projects_created_by_idx',
    build: (db, { creators }, turn) =>
      db
        .selectFrom('projects')
        .select(['project_id', 'name', 'status', 'created_at'])
        .where('created_by', '=', at(creators, turn))
        .orderBy('created_at', 'desc')
        .limit(fixed(50)),
  },
  {
    name: 'customer-projects',
    class: 'simple',
    asks: 'the projects of a customer, by name',
    index: 'projects_customer_idx',
    build: (db, { customers }, turn) =>
      db
        .selectFrom('projects')
        .select(['project_id', 'name', 'site_name', 'status'])
        .where('customer', '=', at(customers, turn))
        .orderBy('name')
        .limit(fixed(50)),
  },
  {
    name: 'design-in-use',
    class: 'simple',
    asks: 'which project stands at this design',
    index: 'projects_content_sha256_idx',
    build: (db, { projectHashes }, turn) =>
      db
        .selectFrom('projects')
        .select(['project_id', 'name', 'version'])
        .where('content_sha256', '=', at(projectHashes, turn)),
  },
  {
    name: 'design-origin',
    class: 'simple',
    asks: 'where and by whom a design was stored',
    index: 'project_payloads_content_sha256_idx',
    build: (db, { payloadHashes }, turn) =>
      db
        .selectFrom('project_payloads')
        .select(['project_id', 'version', 'created_by', 'created_at'])
        .where('content_sha256', '=', at(payloadHashes, turn)),
  },
  {
    name: 'shape-by-designation',
    class: 'simple',
    asks: 'a shape by its designation',
    index: 'material_catalog_designation_idx',
    build: (db, { designations }, turn) =>
      db.selectFrom('material_catalog').selectAll().where('designation', '=', at(designations, turn)),
  },
  {
    name: 'lightest-shape',
    class: 'simple',
    asks: 'the lightest W shape with the plastic modulus that a beam needs',
    index: 'material_catalog_unit_system_shape_type_zx_idx',
    build: (db, _parameters, turn) =>
      db
        .selectFrom('material_catalog')
        .select(['designation', 'weight', 'zx', 'depth'])
        .where('unit_system', '=', fixed('US'))
        .where('shape_type', '=', fixed('W'))
        .where('zx', '>=', String(at(PLASTIC_MODULI, turn)))
        .where('retired_at', 'is', null)
        .orderBy('weight')
        .limit(fixed(1)),
  },
];
