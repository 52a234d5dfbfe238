import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphDrawStyle,
  GraphGradientMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TableSortByFieldStateBuilder,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardLinkBuilder,
  DashboardLinkType,
  MappingType,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { RUNBOOKS_UID, runbookPanelId } from './runbook-ids.ts';

/** The variable that names the data source: provisioning never fills in `__inputs`, so no dashboard has any. */
export const DATASOURCE = Object.freeze({ type: 'prometheus', uid: '$' + '{datasource}' });

/** Matchers of the dashboards' variables. */
export const INSTANCE = 'instance=~"$instance"';
export const DATABASE = `${INSTANCE},datname=~"$datname"`;

export interface Query {
  readonly expr: string;
  readonly legend?: string;
  /** One value now, instead of a line. */
  readonly instant?: boolean;
}

interface Common {
  readonly title: string;
  readonly description: string;
  /** Alerts whose runbooks belong here. */
  readonly alerts?: readonly `Structdb${string}`[];
  readonly unit?: string;
  readonly decimals?: number;
  /** From the lowest on; `[null, colour]` first. */
  readonly steps?: readonly (readonly [number | null, string])[];
  /** Of 24 columns. */
  readonly width: number;
  readonly height: number;
}

export interface StatSpec extends Common {
  readonly query: Query;
  /** Words instead of numbers. */
  readonly words?: Readonly<Record<string, readonly [text: string, colour: string]>>;
  readonly noValue?: string;
}

export interface GraphSpec extends Common {
  readonly queries: readonly Query[];
  readonly stacked?: boolean;
  readonly min?: number;
  readonly max?: number;
  /** Name of a series that is a limit: dashed and without filling. */
  readonly limit?: string;
}

export interface TableSpec extends Common {
  readonly queries: readonly Query[];
  /** Labels and values in their order, with the heading and, for values, the unit. */
  readonly columns: readonly {
    readonly field: string;
    readonly heading: string;
    readonly unit?: string;
    readonly width?: number;
  }[];
  readonly sortBy: string;
}

export function stat(spec: StatSpec): StatBuilder {
  const panel = new StatBuilder()
    .withTarget(targetOf({ instant: true, ...spec.query }, 0))
    .colorMode(spec.steps || spec.words ? BigValueColorMode.Background : BigValueColorMode.None)
    .graphMode(BigValueGraphMode.None)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false));
  if (spec.words) {
    const options = Object.entries(spec.words).map(([value, [text, color]], index) => [value, { text, color, index }]);
    panel.mappings([{ type: MappingType.ValueToText, options: Object.fromEntries(options) }]);
  }
  if (spec.noValue) panel.noValue(spec.noValue);
  return common(panel, spec);
}

export function graph(spec: GraphSpec): TimeseriesBuilder {
  const panel = new TimeseriesBuilder()
    .targets(spec.queries.map(targetOf))
    .drawStyle(GraphDrawStyle.Line)
    .lineWidth(1)
    .fillOpacity(spec.stacked ? 40 : 10)
    .gradientMode(GraphGradientMode.None)
    .showPoints(VisibilityMode.Never)
    .thresholdsStyle(
      new GraphThresholdsStyleConfigBuilder().mode(
        spec.steps ? GraphThresholdsStyleMode.Dashed : GraphThresholdsStyleMode.Off,
      ),
    )
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max']),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  if (spec.stacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
  if (spec.min !== undefined) panel.min(spec.min);
  if (spec.max !== undefined) panel.max(spec.max);
  if (spec.limit) {
    panel.overrideByName(spec.limit, [
      { id: 'custom.lineStyle', value: { fill: 'dash', dash: [10, 10] } },
      { id: 'custom.fillOpacity', value: 0 },
      { id: 'custom.stacking', value: { mode: 'none', group: 'A' } },
      { id: 'color', value: { mode: 'fixed', fixedColor: 'orange' } },
    ]);
  }
  return common(panel, spec);
}

/** A row for each combination of labels, with a column for each query: Grafana calls the values `Value #A`, `Value #B` … */
export function table(spec: TableSpec): TableBuilder {
  const shown = spec.columns.map(({ field }) => field);
  const panel = new TableBuilder()
    .targets(spec.queries.map((query, index) => targetOf({ instant: true, ...query }, index, PromQueryFormat.Table)))
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({ id: 'filterFieldsByName', options: { include: { names: shown } } })
    .withTransformation({
      id: 'organize',
      options: {
        indexByName: Object.fromEntries(shown.map((field, index) => [field, index])),
        renameByName: Object.fromEntries(spec.columns.map(({ field, heading }) => [field, heading])),
      },
    })
    .sortBy([new TableSortByFieldStateBuilder().displayName(spec.sortBy).desc(true)]);
  for (const { heading, unit, width } of spec.columns) {
    const properties = [
      ...(unit ? [{ id: 'unit', value: unit }] : []),
      ...(width ? [{ id: 'custom.width', value: width }] : []),
    ];
    if (properties.length > 0) panel.overrideByName(heading, properties);
  }
  return common(panel, spec);
}

function common<Panel extends StatBuilder | TimeseriesBuilder | TableBuilder>(panel: Panel, spec: Common): Panel {
  panel.title(spec.title).description(spec.description).datasource(DATASOURCE).span(spec.width).height(spec.height);
  if (spec.unit) panel.unit(spec.unit);
  if (spec.decimals !== undefined) panel.decimals(spec.decimals);
  const steps = spec.steps ?? [[null, 'green']];
  panel.thresholds(
    new ThresholdsConfigBuilder()
      .mode(ThresholdsMode.Absolute)
      .steps(steps.map(([value, color]) => ({ value, color }))),
  );
  if (spec.alerts) {
    panel.links(
      spec.alerts.map((name) =>
        new DashboardLinkBuilder(`Runbook: ${name}`)
          .type(DashboardLinkType.Link)
          .url(`/d/${RUNBOOKS_UID}?viewPanel=${runbookPanelId(name)}`),
      ),
    );
  }
  return panel;
}

function targetOf(query: Query, index: number, format?: PromQueryFormat | readonly unknown[]): DataqueryBuilder {
  const target = new DataqueryBuilder()
    .refId(String.fromCharCode(65 + index))
    .datasource(DATASOURCE)
    .expr(query.expr)
    .legendFormat(query.legend ?? '');
  if (query.instant) target.instant();
  else target.range();
  if (typeof format === 'string') target.format(format);
  return target;
}
