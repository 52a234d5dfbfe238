import type { ConnectionSettings } from '../config/connection.ts';
import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import { asStep } from '../core/progress.ts';
import { formatBytes, formatCount } from '../core/units.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { putBackBelongings } from './belongings.ts';
import { withTargetDatabase } from './bracket.ts';
import { checkContents, contentDiffers } from './check.ts';
import { type DumpObjects, dumpObjects, withFetchedDump } from './fetch.ts';
import { type Loaded, loadDump, privilegeScript } from './load.ts';
import { planDumpRestore, type RestoreOptions, type RestorePlan } from './plan.ts';
import { gatherStatistics } from './statistics.ts';

/** How long each part of a restore took, in milliseconds. */
export interface RestorePhases {
  readonly fetchMs: number;
  readonly loadMs: number;
  readonly settingsMs: number;
  /** Comparing every table with the manifest, and ANALYZE; 0 where the caller does the former. */
  readonly checkMs: number;
}

export interface RestoreResult {
  readonly label: string;
  readonly database: string;
  readonly created: boolean;
  readonly sizeBytes: number;
  readonly rows: number;
  readonly tables: readonly { readonly schema: string; readonly name: string; readonly rows: number }[];
  /** What could not be put back, each with its reason. */
  readonly leftOut: readonly string[];
  readonly phases: RestorePhases;
  readonly durationMs: number;
}

/**
 * Restores a dump into a database that does not exist yet (made with the source's encoding and locale) or an empty one,
 * puts back what belongs to the database, and compares every table with the manifest before the database gets its name.
 * A failed or interrupted restore leaves no database, and an empty one empty.
 * @throws what planDumpRestore throws; BACKUP_CORRUPT, PROGRAM_FAILED, CONTENT_DIFFERS, LOCKED, INTERRUPTED
 */
export async function restoreDump(options: Readonly<RestoreOptions>, context: RunContext): Promise<RestoreResult> {
  const plan = await planDumpRestore(options, context);
  return performRestore(plan, { compare: true }, context);
}

/** Does what was planned. `compare: false` leaves the comparison of the rows to the caller (the drill times it apart). */
export async function performRestore(
  plan: RestorePlan,
  options: { readonly compare: boolean },
  context: RunContext,
): Promise<RestoreResult> {
  const { entry, manifest, database, target } = plan;
  const dump = dumpObjects(manifest);
  const started = context.clock.monotonicMs();
  const timer = stopwatch(context);
  return withFetched(plan, dump, context, async (file) => {
    const fetchMs = timer();
    return withTargetDatabase(target, entry.label, manifest.database, context, async (connection) => {
      const loaded = await load(plan, file, connection, context);
      const loadMs = timer();
      if (options.compare) await compareAndAnalyze(plan, connection, context);
      const checkMs = options.compare ? timer() : 0;
      stopIfInterrupted(context);
      // Last, because a connection limit or a read-only default would stand in the way of the rest.
      const leftOut = await putBack(plan, file, connection, loaded, context);
      const settingsMs = timer();
      return {
        label: entry.label,
        database,
        created: target.state.kind === 'create',
        sizeBytes: dump.sizeBytes,
        rows: manifest.tables.reduce((sum, table) => sum + table.rows, 0),
        tables: manifest.tables.map(({ schema, name, rows }) => ({ schema, name, rows })),
        leftOut: [...loaded.toc.leftOut, ...leftOut],
        phases: { fetchMs, loadMs, settingsMs, checkMs },
        durationMs: Math.round(context.clock.monotonicMs() - started),
      };
    });
  });
}

/** The step ends when the file is there; the file stays for as long as the work goes on. */
async function withFetched<T>(
  plan: RestorePlan,
  dump: DumpObjects,
  context: RunContext,
  work: (file: string) => Promise<T>,
): Promise<T> {
  const step = 'restore.fetch';
  const message = `Fetching and verifying ${dump.name} (${formatBytes(dump.sizeBytes)})`;
  const began = context.clock.monotonicMs();
  context.report({ kind: 'step', step, message });
  return withFetchedDump(plan.entry, dump, step, context, async (file) => {
    context.report({ kind: 'done', step, message, durationMs: context.clock.monotonicMs() - began });
    return work(file);
  });
}

const MODES = { create: 'parallel', empty: 'single transaction', unfinished: 'none' } as const;

async function load(
  { pgRestore, target, manifest }: RestorePlan,
  file: string,
  connection: ConnectionSettings,
  context: RunContext,
): Promise<Loaded> {
  const mode = MODES[target.state.kind];
  const options = {
    pgRestore,
    file,
    connection,
    superuser: target.superuser,
    database: target.connection.database,
    mode,
    tablespaces: manifest.server.tablespaces,
  } as const;
  return asStep(context, 'restore.load', `Loading with pg_restore ${pgRestore.version}`, () =>
    loadDump(options, context),
  );
}

async function putBack(
  plan: RestorePlan,
  file: string,
  connection: ConnectionSettings,
  { toc, ownerless }: Loaded,
  context: RunContext,
): Promise<string[]> {
  const { manifest, target, pgRestore } = plan;
  return asStep(context, 'restore.settings', 'Putting back privileges and database settings', async () => {
    const script = toc.privilegeList && (await privilegeScript(pgRestore, file, toc.privilegeList, context));
    const owner = manifest.database.owner;
    const newOwner = ownerless && owner !== target.role ? target.role : undefined;
    if (newOwner !== undefined) {
      context.report({
        kind: 'warning',
        message: `Everything belongs to "${target.role}" now: the backup's owner was "${owner}".`,
      });
    }
    const leftOut = await withClient(connection, profiles.restore, context, (client) =>
      putBackBelongings(client, {
        database: connection.database,
        belongings: manifest.database,
        privilegeScript: script,
        newOwner,
      }),
    );
    for (const line of leftOut) context.report({ kind: 'warning', message: `Left out: ${line}.` });
    return leftOut;
  });
}

async function compareAndAnalyze(
  { manifest, database }: RestorePlan,
  connection: ConnectionSettings,
  context: RunContext,
) {
  const step = 'restore.check';
  await asStep(
    context,
    step,
    'Comparing every table with the manifest',
    async () => {
      const onTable = (done: number, total: number) => {
        stopIfInterrupted(context);
        context.report({ kind: 'progress', step, done, total, unit: 'items' });
      };
      const check = await withClient(connection, profiles.restore, context, async (client) => {
        await client.query('begin isolation level repeatable read read only');
        return checkContents(client, manifest.tables, onTable);
      });
      if (check.differences.length > 0) throw contentDiffers(check.differences, `The restored database "${database}"`);
      return check;
    },
    (check) => `${check.tables} tables with ${formatCount(check.rows)} rows are as the manifest says`,
  );
  // A dump holds no statistics before PostgreSQL 18: without them the first queries would be planned blindly.
  await asStep(context, 'restore.analyze', 'Gathering the statistics of the planner', () =>
    withClient(connection, profiles.restore, context, (client) => gatherStatistics(client, context)),
  );
}

/** Each call: the milliseconds since the one before. */
function stopwatch(context: RunContext): () => number {
  let last = context.clock.monotonicMs();
  return () => {
    const now = context.clock.monotonicMs();
    const passed = Math.round(now - last);
    last = now;
    return passed;
  };
}
