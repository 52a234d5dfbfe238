import type { Metric } from './metric.ts';
import { OWN_METRICS } from './own.ts';
import { PG_METRICS, PROCESS_METRICS, settingMetric } from './postgres.ts';

const KNOWN: Readonly<Record<string, Metric>> = { ...PG_METRICS, ...PROCESS_METRICS, ...OWN_METRICS };

/** The family of any sample that the exporter gives: what `renderMetrics` asks for. */
export function describeMetric(name: string): Metric {
  const known = KNOWN[name];
  if (known) return known;
  if (name.startsWith('pg_settings_')) return settingMetric(name);
  throw new Error(`The metric ${name} is not described.`);
}
