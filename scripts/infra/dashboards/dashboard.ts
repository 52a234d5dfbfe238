import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { m } from '../metric-name.ts';
import { DATASOURCE, INSTANCE } from './panels.ts';

/** The uid that infra/grafana/provisioning gives to Prometheus. */
export const DATASOURCE_UID = 'structdb-prometheus';

export interface DashboardSpec {
  readonly uid: `structdb-${string}`;
  readonly title: string;
  readonly description: string;
  readonly byDatabase?: boolean;
  readonly range?: string;
  readonly panels: readonly cog.Builder<Panel>[];
}

/** A dashboard as provisioning wants it: no id, a fixed uid, data source and filters as variables. */
export function dashboard(spec: DashboardSpec): unknown {
  const builder = new DashboardBuilder(spec.title)
    .uid(spec.uid)
    .description(spec.description)
    .tags(['structdb', 'postgresql'])
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: `now-${spec.range ?? '3h'}`, to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .readonly()
    .link(
      new DashboardLinkBuilder('structdb')
        .type(DashboardLinkType.Dashboards)
        .tags(['structdb'])
        .asDropdown(true)
        .keepTime(true)
        .includeVars(true),
    )
    .withVariable(
      new DatasourceVariableBuilder('datasource')
        .label('Prometheus')
        .type('prometheus')
        .current({ text: 'Prometheus', value: DATASOURCE_UID, selected: true }),
    )
    .withVariable(filter('instance', 'Exporter', `label_values(${m('structdb_build_info')}, instance)`));
  if (spec.byDatabase) {
    builder.withVariable(
      filter(
        'datname',
        'Database',
        `label_values(${m('pg_stat_database_xact_commit', `${INSTANCE},datname!~"template.*|"`)}, datname)`,
      ),
    );
  }
  for (const panel of spec.panels) builder.withPanel(panel);
  return asProvisioned(builder);
}

/**
 * What the file holds. The dashboard's id is null, not absent, so that no other one's is taken; panels are numbered, so that
 * links to them stay; links to the other dashboards are in sight, not in the menu of controls.
 */
export function asProvisioned(builder: DashboardBuilder): unknown {
  const built = builder.build();
  const links = built.links?.map(({ placement: _, ...link }) => link);
  // A row without a number has 0.
  const taken = new Set(built.panels?.map(({ id }) => id));
  let last = 0;
  const free = () => {
    do last += 1;
    while (taken.has(last));
    return last;
  };
  const panels = built.panels?.map((panel) => ({ ...panel, id: panel.id || free() }));
  return { ...built, id: null, links, panels };
}

function filter(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query({ query, refId: `variable-${name}` })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ text: 'All', value: '$__all', selected: true });
}
