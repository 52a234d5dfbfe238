import { afterAll } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { Exporter, type ExporterOptions } from '../../src/monitor/exporter.ts';
import { describeMetric } from '../../src/monitor/metrics/describe.ts';
import { renderMetrics } from '../../src/monitor/metrics/exposition.ts';
import { type Family, readExposition } from '../support/exposition.ts';

const open: Exporter[] = [];

afterAll(async () => {
  for (const exporter of open) await exporter.close();
});

/** An exporter that is closed after the tests of the file. */
export function newExporter(
  targets: ConnectionSettings | readonly ConnectionSettings[],
  options: Partial<ExporterOptions> = {},
  clock: Clock = systemClock,
): Exporter {
  const list = Array.isArray(targets) ? (targets as readonly ConnectionSettings[]) : [targets as ConnectionSettings];
  const exporter = new Exporter(
    { targets: list, scrapeTimeoutMs: 20_000, statements: 10, sizesEveryMs: 0, ...options },
    { clock },
  );
  open.push(exporter);
  return exporter;
}

/** One scrape as Prometheus reads it. */
export async function scrape(exporter: Exporter): Promise<Map<string, Family>> {
  return readExposition(renderMetrics(await exporter.scrape(), describeMetric));
}

/** The collectors that failed. */
export function failed(families: ReadonlyMap<string, Family>): string[] {
  const { series } = families.get('pg_scrape_collector_success') ?? { series: [] };
  return series.flatMap(({ labels, value }) => (value === 1 ? [] : [labels.collector!])).toSorted();
}
