import { afterAll } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { Exporter, type ExporterOptions } from '../../src/monitor/exporter.ts';
import { describeMetric } from '../../src/monitor/metrics/describe.ts';
import { renderMetrics } from '../../src/monitor/metrics/exposition.ts';
import { type Family, readExposition } from '../support/exposition.ts';
import { sql, until } from '../support/postgres.ts';

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

/** Runs `work` while the table is vacuumed, as slowly as can be; then the VACUUM is ended. */
export async function whileVacuumed(connection: ConnectionSettings, table: string, work: () => Promise<void>) {
  await sql(connection, async (client) => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const { pid } = rows[0]!;
    await client.query('set vacuum_cost_delay = 100; set vacuum_cost_limit = 1');
    const vacuum = client.query(`vacuum ${table}`).catch(() => {});
    await until(connection, `select 1 from pg_stat_progress_vacuum where pid = ${pid} and heap_blks_total > 0`);
    try {
      await work();
    } finally {
      await sql(connection, (other) => other.query('select pg_cancel_backend($1)', [pid]));
      await vacuum;
    }
  });
}
