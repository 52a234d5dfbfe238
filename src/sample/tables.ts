import { sampleEvents, samplePayloads, sampleProjects, type Wanted } from './generate.ts';
import type { EventRow, PayloadRow, ProjectRow, SampleOptions } from './rows.ts';

/** A table of the sample with its columns and PostgreSQL types, and its rows as values in that order. */
export interface SampleTable<Row = never> {
  readonly name: string;
  readonly columns: readonly { readonly name: keyof Row & string; readonly type: string }[];
  readonly rows: (options: SampleOptions, wanted?: Wanted) => Generator<Row>;
}

const table = <Row>(
  name: string,
  columns: { readonly [Column in keyof Row & string]: string },
  rows: SampleTable<Row>['rows'],
): SampleTable<Row> => ({
  name,
  columns: Object.entries(columns).map(([column, type]) => ({
    name: column as keyof Row & string,
    type: type as string,
  })),
  rows,
});

export const projectsTable = table<ProjectRow>(
  'projects',
  {
    project_id: 'uuid',
    account_id: 'uuid',
    name: 'text',
    customer: 'text',
    site_name: 'text',
    status: 'project_status',
    created_by: 'text',
    updated_by: 'text',
    created_at: 'timestamptz',
    updated_at: 'timestamptz',
    version: 'integer',
    constants_version: 'text',
    content_sha256: 'text',
    confidence: 'numeric',
  },
  sampleProjects,
);

export const payloadsTable = table<PayloadRow>(
  'project_payloads',
  {
    project_id: 'uuid',
    version: 'integer',
    module: 'text',
    payload: 'jsonb',
    created_by: 'text',
    created_at: 'timestamptz',
    constants_version: 'text',
    content_sha256: 'text',
    confidence: 'numeric',
  },
  samplePayloads,
);

export const eventsTable = table<EventRow>(
  'project_events',
  { project_id: 'uuid', event_type: 'project_event_type', actor: 'text', occurred_at: 'timestamptz', data: 'jsonb' },
  sampleEvents,
);

/** Parents first. */
export const sampleTables = [projectsTable, payloadsTable, eventsTable] as const;
