import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { ConnectionSettings } from '../../config/connection.ts';
import { mapConcurrently } from '../../core/concurrently.ts';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { asStep } from '../../core/progress.ts';
import { formatCount } from '../../core/units.ts';
import { requireSchema } from '../../database/load-sample.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { type SampleOptions, sampleChunks, sampleTables } from '../../sample/index.ts';
import { type Remake, type SetAside, setAside, triggerStates } from './set-aside.ts';

/** Rows of each table. */
export interface LoadedRows {
  readonly projects: number;
  readonly payloads: number;
  readonly events: number;
}

/** However much there is to load. */
const LOADER = { ...profiles.seed, statementTimeoutMs: 0, idleInTransactionTimeoutMs: 0 };
/** A table that is slow for a moment does not hold up the others. */
const BUFFERED_BYTES = 4 * 1024 * 1024;
/** Sessions that build at the same time; more than a small server has processors gain nothing. */
const BUILDERS = 3;
/** Each builder's; a sort of millions of keys then needs few passes, or none. */
const BUILD_MEMORY = '128MB';

/**
 * Fills the empty, migrated tables of a database that is structdb's own with the sample: keys, foreign keys and indexes
 * are dropped, the three tables loaded by COPY at the same time in one pass of the generator, and all of it is made again
 * as it was. Triggers do their work, but constraint triggers, which check each row by itself, are left out: what the
 * generator names is there. Steps: `bench.load`, `bench.index`.
 */
export async function bulkLoad(
  connection: ConnectionSettings,
  sample: SampleOptions,
  context: RunContext,
): Promise<LoadedRows> {
  return withClients(connection, BUILDERS, context, async (clients) => {
    const first = clients[0]!;
    const tables = sampleTables.map(({ name }) => `public.${name}`);
    await requireSchema(first);
    const aside = await setAside(first, tables);
    const total = 5 * sample.projects;
    const loaded = await asStep(
      context,
      'bench.load',
      `Loading ${formatCount(total)} rows`,
      () => copyTables(clients, sample, total, context),
      ({ projects, payloads, events }) =>
        `Loaded ${formatCount(projects)} projects, ${formatCount(payloads)} payloads, ${formatCount(events)} events`,
    );
    await remake(clients, aside, context);
    return loaded;
  });
}

async function copyTables(
  clients: readonly pg.Client[],
  sample: SampleOptions,
  total: number,
  context: RunContext,
): Promise<LoadedRows> {
  const targets = new Map<string, Writable>();
  const ended: Promise<void>[] = [];
  const putBack = new Map<pg.Client, readonly string[]>();
  for (const [place, { name, columns }] of sampleTables.entries()) {
    const client = clients[place]!;
    const table = `public.${name}`;
    await client.query('begin');
    const triggers = await triggerStates(client, table);
    await client.query(`alter table ${table} disable trigger user`);
    // In the transaction that emptied the table its rows may be written as old and visible to all, hints included:
    // index builds and VACUUM then need not write every page again.
    await client.query(`truncate ${table}`);
    for (const statement of triggers.works) await client.query(statement);
    putBack.set(client, triggers.checks);
    const list = columns.map((column) => column.name).join(', ');
    const copy = copyFrom(`copy ${table} (${list}) from stdin with (freeze)`, { highWaterMark: BUFFERED_BYTES });
    targets.set(name, client.query(copy));
    ended.push(finished(copy));
  }
  const all = Promise.all(ended);
  const failure = all.then(() => {});
  failure.catch(() => {});
  const rows = { projects: 0, project_payloads: 0, project_events: 0 };
  try {
    for (const chunk of sampleChunks(sample)) {
      const target = targets.get(chunk.table)!;
      if (!target.write(chunk.text)) await Promise.race([once(target, 'drain'), failure]);
      stopIfInterrupted(context);
      rows[chunk.table] += chunk.rows;
      const done = rows.projects + rows.project_payloads + rows.project_events;
      context.report({ kind: 'progress', step: 'bench.load', done, total, unit: 'rows' });
    }
    for (const target of targets.values()) target.end();
    await all;
  } catch (error) {
    for (const target of targets.values()) target.destroy();
    await Promise.allSettled(ended);
    throw error;
  }
  for (const [client, statements] of putBack) {
    for (const statement of statements) await client.query(statement);
    await client.query('commit');
  }
  return { projects: rows.projects, payloads: rows.project_payloads, events: rows.project_events };
}

/** Keys first, because foreign keys need them; then indexes, several at a time; then foreign keys. */
async function remake(clients: readonly pg.Client[], aside: SetAside, context: RunContext): Promise<void> {
  const total = aside.keys.length + aside.indexes.length + aside.foreignKeys.length;
  await asStep(context, 'bench.index', `Building ${total} keys and indexes`, async () => {
    let done = 0;
    const make = async (client: pg.Client, { statements }: Remake) => {
      stopIfInterrupted(context);
      for (const statement of statements) await client.query(statement);
      done += 1;
      context.report({ kind: 'progress', step: 'bench.index', done, total, unit: 'items' });
    };
    // ALTER TABLE locks its table, CREATE INDEX lets another one beside it.
    await spread(clients, [...Map.groupBy(aside.keys, ({ table }) => table).values()], make);
    await spread(
      clients,
      aside.indexes.map((index) => [index]),
      make,
    );
    for (const foreignKey of aside.foreignKeys) await make(clients[0]!, foreignKey);
  });
}

/** Each group in order, the groups by whichever client is free. */
async function spread(
  clients: readonly pg.Client[],
  groups: readonly (readonly Remake[])[],
  make: (client: pg.Client, one: Remake) => Promise<void>,
): Promise<void> {
  const free = [...clients];
  await mapConcurrently(groups, clients.length, async (group) => {
    const client = free.pop()!;
    for (const one of group) await make(client, one);
    free.push(client);
  });
}

async function withClients<T>(
  connection: ConnectionSettings,
  count: number,
  context: RunContext,
  work: (clients: readonly pg.Client[]) => Promise<T>,
): Promise<T> {
  const open = (others: readonly pg.Client[]): Promise<T> =>
    others.length === count
      ? work(others)
      : withClient(connection, LOADER, context, async (client) => {
          // Nobody's data, and what a crash loses is loaded again.
          await client.query('set synchronous_commit = off');
          await client.query(`set maintenance_work_mem = '${BUILD_MEMORY}'`);
          return open([...others, client]);
        });
  return open([]);
}
