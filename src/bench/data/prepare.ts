import { importCatalogs } from '../../catalog/index.ts';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { asStep } from '../../core/progress.ts';
import { formatCount } from '../../core/units.ts';
import { refreshDashboard } from '../../database/dashboard.ts';
import { type LoadedSample, loadSample } from '../../database/load-sample.ts';
import { up } from '../../migrate/index.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import type { SampleOptions } from '../../sample/index.ts';

const TABLES = ['projects', 'project_payloads', 'project_events', 'material_catalog', 'project_dashboard'];

/**
 * Schema, catalogs and sample, vacuumed: index-only scans need the visibility map, plans need the statistics. Told as one
 * step, `bench.prepare`: what migrates and imports here is not the user's database.
 */
export async function prepare(
  connection: ConnectionSettings,
  sample: SampleOptions,
  context: RunContext,
): Promise<LoadedSample> {
  const step = 'bench.prepare';
  const inside: RunContext = {
    ...context,
    report: (event) => {
      if (event.kind === 'warning') context.report(event);
      if (event.kind === 'progress' && event.unit === 'rows') context.report({ ...event, step });
    },
  };
  return asStep(
    context,
    step,
    `Preparing the database ${connection.database}`,
    async () => {
      await up({ connection }, inside);
      await importCatalogs({ connection }, inside);
      const loaded = await loadSample({ connection, ...sample }, inside);
      await refreshDashboard({ connection }, inside);
      await withClient(connection, profiles.seed, context, (client) =>
        client.query(`vacuum (analyze) ${TABLES.map((table) => `public.${table}`).join(', ')}`),
      );
      return loaded;
    },
    ({ projects, payloads, events }) =>
      `Prepared the database ${connection.database}: schema, catalogs, ${formatCount(projects + payloads + events)} rows`,
  );
}
