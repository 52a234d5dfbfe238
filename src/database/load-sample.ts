import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { ConnectionSettings } from '../config/connection.ts';
import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { asStep } from '../core/progress.ts';
import { formatCount } from '../core/units.ts';
import { quoteIdentifier, withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { copyText, type SampleOptions, type SampleTable, sampleProjectIds, sampleTables } from '../sample/index.ts';

export interface LoadedSample {
  readonly seed: number;
  /** Projects of the sample that were there already; their payloads and events were left as they are. */
  readonly alreadyThere: number;
  /** Rows that this run added. */
  readonly projects: number;
  readonly payloads: number;
  readonly events: number;
}

/** Any number that nobody else uses: the bytes of "sampling". */
const LOCK_KEY = '8313478013894847079';

/**
 * Loads the projects of the sample that the database does not have yet, with their payloads and events, by COPY in one
 * transaction, parents first. A second time there is nothing to do. Step: `sample.load`.
 * @throws SCHEMA_MISSING before migration 006, PERMISSION_DENIED, INTERRUPTED, and what connecting throws
 */
export function loadSample(
  { connection, ...sample }: SampleOptions & { readonly connection: ConnectionSettings },
  context: RunContext,
): Promise<LoadedSample> {
  return withClient(connection, profiles.seed, context, async (client) => {
    await requireSchema(client);
    return asStep(
      context,
      'sample.load',
      `Loading ${formatCount(sample.projects)} sample projects`,
      () => loadMissing(client, sample, context),
      describeLoaded,
    );
  });
}

/** One line for people. */
export function describeLoaded({ alreadyThere, projects, payloads, events }: LoadedSample): string {
  if (projects === 0) return `All ${formatCount(alreadyThere)} sample projects are there already: nothing to do`;
  const added = `Loaded ${formatCount(projects)} projects, ${formatCount(payloads)} payloads, ${formatCount(events)} events`;
  return alreadyThere === 0 ? added : `${added}; ${formatCount(alreadyThere)} projects were there already`;
}

async function loadMissing(client: pg.Client, sample: SampleOptions, context: RunContext): Promise<LoadedSample> {
  await client.query('begin');
  // Two loads at once would both miss the same projects; the second waits and then finds nothing to do.
  await client.query('select pg_advisory_xact_lock($1::bigint)', [LOCK_KEY]);
  const present = await findPresent(client, [...sampleProjectIds(sample)]);
  const counts: number[] = [];
  for (const table of sampleTables) {
    stopIfInterrupted(context);
    counts.push(
      present.size === sample.projects
        ? 0
        : await copyRows(client, table as unknown as SampleTable<object>, sample, present, context),
    );
  }
  stopIfInterrupted(context);
  await client.query('commit');
  const [projects, payloads, events] = counts as [number, number, number];
  return { seed: sample.seed, alreadyThere: present.size, projects, payloads, events };
}

async function findPresent(client: pg.Client, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ project_id: string }>(
    'select project_id from public.projects where project_id = any($1::uuid[])',
    [ids],
  );
  return new Set(rows.map(({ project_id }) => project_id));
}

async function copyRows(
  client: pg.Client,
  table: SampleTable<object>,
  sample: SampleOptions,
  present: ReadonlySet<string>,
  context: RunContext,
): Promise<number> {
  const columns = table.columns.map(({ name }) => name);
  const rows = table.rows(sample, (id) => !present.has(id));
  const list = columns.map(quoteIdentifier).join(', ');
  const target = client.query(copyFrom(`copy public.${quoteIdentifier(table.name)} (${list}) from stdin`));
  await pipeline(Readable.from(copyText(columns, rows)), target, { signal: context.signal });
  return target.rowCount;
}

/** @throws SCHEMA_MISSING when the tables of the sample are not there, or older ones */
export async function requireSchema(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ ready: boolean }>(
    `select exists (select from pg_catalog.pg_attribute where attrelid = to_regclass('public.project_payloads')
       and attname = 'content_sha256' and not attisdropped) as ready`,
  );
  if (rows[0]!.ready) return;
  throw new StructdbError('SCHEMA_MISSING', 'The database has no tables for the sample, or older ones.', {
    hint: 'Run: structdb migrate up',
  });
}
