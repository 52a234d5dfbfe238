import { importCatalogs } from '../catalog/index.ts';
import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { asStep } from '../core/progress.ts';
import { refreshDashboard } from '../database/dashboard.ts';
import { type LoadedSample, loadSample } from '../database/load-sample.ts';
import { up } from '../migrate/index.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import type { SampleOptions } from '../sample/index.ts';

const TABLES = ['projects', 'project_payloads', 'project_events', 'material_catalog', 'project_dashboard'];

/** Schema, catalogs and sample, vacuumed: index-only scans need the visibility map, plans need the statistics. */
export async function prepare(
  connection: ConnectionSettings,
  sample: SampleOptions,
  context: RunContext,
): Promise<LoadedSample> {
  await up({ connection }, context);
  await importCatalogs({ connection }, context);
  const loaded = await loadSample({ connection, ...sample }, context);
  await refreshDashboard({ connection }, context);
  await asStep(context, 'bench.vacuum', 'Vacuuming and analysing', () =>
    withClient(connection, profiles.seed, context, (client) =>
      client.query(`vacuum (analyze) ${TABLES.map((table) => `public.${table}`).join(', ')}`),
    ),
  );
  return loaded;
}
