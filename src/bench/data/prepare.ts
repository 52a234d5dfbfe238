import type pg from 'pg';
import { importCatalogs } from '../../catalog/index.ts';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { codeOf } from '../../core/errors.ts';
import { asStep } from '../../core/progress.ts';
import { refreshDashboard } from '../../database/dashboard.ts';
import { type Registry, up } from '../../migrate/index.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import type { SampleOptions } from '../../sample/index.ts';
import { type AfterLoadStatement, runAfterLoad } from './after-load.ts';
import { bulkLoad, type LoadedRows } from './bulk-load.ts';

export interface DataOptions extends SampleOptions {
  /** The migrations; those that ship by default. */
  readonly registry?: Registry;
  /** Run when the rows are loaded, before anything is vacuumed or timed: to try a change of the schema. */
  readonly afterLoad: readonly AfterLoadStatement[];
  /** Waited for when the schema is there, before anything is loaded. */
  readonly migrated?: () => Promise<void>;
}

/** Millions of rows may be vacuumed, and what is tried may be an index of them. */
const UNHURRIED = { ...profiles.seed, statementTimeoutMs: 0 };

/**
 * Schema, catalogs and sample, vacuumed: index-only scans need the visibility map, plans need the statistics. Steps:
 * `bench.prepare`, `bench.load`, `bench.index`, `bench.vacuum`; what migrates and imports here is not the user's database
 * and is not told apart.
 * @throws SQL_FAILED for a statement that was given, DISK_FULL, INTERRUPTED
 */
export async function prepare(
  connection: ConnectionSettings,
  { afterLoad, migrated, registry, ...sample }: DataOptions,
  context: RunContext,
): Promise<LoadedRows> {
  const { database } = connection;
  const quiet: RunContext = {
    ...context,
    report: (event) => {
      if (event.kind === 'warning') context.report(event);
    },
  };
  await asStep(
    context,
    'bench.prepare',
    `Preparing the database ${database}`,
    async () => {
      await up({ connection, ...(registry && { registry }) }, quiet);
      await importCatalogs({ connection }, quiet);
      await migrated?.();
    },
    () => `Prepared the database ${database}: schema and catalogs`,
  );
  const loaded = await bulkLoad(connection, sample, context);
  if (afterLoad.length > 0) {
    await asStep(context, 'bench.after-load', 'Running the SQL after loading', () =>
      runAfterLoad(connection, afterLoad, context),
    );
  }
  await asStep(context, 'bench.vacuum', 'Refreshing the dashboard, vacuuming', async () => {
    await refreshDashboard({ connection }, quiet);
    await withClient(connection, UNHURRIED, context, settle);
  });
  return loaded;
}

/** All tables, those too that the SQL after loading made; and what is dirty is written before anything is timed. */
async function settle(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'm', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and pg_catalog.pg_has_role(c.relowner, 'usage')`,
  );
  await client.query(`vacuum (analyze) ${rows.map(({ name }) => name).join(', ')}`);
  try {
    await client.query('checkpoint');
  } catch (error) {
    // For superusers and members of pg_checkpoint: for others the server does it by itself, a little later.
    if (codeOf(error) !== '42501') throw error;
  }
}
