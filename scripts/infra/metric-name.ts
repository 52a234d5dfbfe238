import { OWN_METRICS, type OwnMetricName } from '../../src/monitor/metrics/own.ts';
import { PG_METRICS, type PgMetricName } from '../../src/monitor/metrics/postgres.ts';

/** What the exporter may show, but for the server's parameters: a misspelt name in a dashboard or a rule fails the type check. */
export type MetricName = OwnMetricName | PgMetricName;

/** The metric, with matchers in braces where there are any: for expressions. */
export function m(name: MetricName, matchers = ''): string {
  return matchers === '' ? name : `${name}{${matchers}}`;
}

/** Every name that may stand in an expression. */
export const METRIC_NAMES: ReadonlySet<string> = new Set([...Object.keys(OWN_METRICS), ...Object.keys(PG_METRICS)]);
