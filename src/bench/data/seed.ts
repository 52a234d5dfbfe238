import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { formatCount } from '../../core/units.ts';
import type { Registry } from '../../migrate/index.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { listOf } from '../sweep.ts';
import { withFilled } from './filled.ts';
import { LOCK_KEY } from './keeper.ts';
import { dropKept, type KeptData, listKept } from './kept.ts';

export interface SeedOptions {
  readonly connection: ConnectionSettings;
  readonly projects: number | readonly number[];
  readonly seed: number;
  readonly afterLoad?: string;
  /** The migrations that make the schema; those that ship by default. */
  readonly registry?: Registry;
}

export interface SeededData extends KeptData {
  /** It was there already. */
  readonly reused: boolean;
}

export interface StoredData extends KeptData {
  readonly bytes: number;
  /** Somebody is connected to it. */
  readonly inUse: boolean;
}

/**
 * Fills a database for each size and keeps it: a benchmark with the same size, seed, schema and SQL after loading uses it.
 * @throws PERMISSION_DENIED, LOCKED, DISK_FULL, USAGE, SQL_FAILED, INTERRUPTED, and what connecting throws
 */
export async function seedBench(options: SeedOptions, context: RunContext): Promise<readonly SeededData[]> {
  const { projects, connection } = options;
  const seeded: SeededData[] = [];
  for (const size of listOf(projects)) {
    const one = { ...options, projects: size, keep: true, setUp: [], runSetUp: async () => {} };
    const [database, reused] = await withFilled(one, context, async (workspace) => [
      workspace.connection.database,
      workspace.reused,
    ]);
    const kept = (await listSeeded(connection, context)).find((each) => each.database === database)!;
    seeded.push({ ...kept, reused });
  }
  return seeded;
}

/** What is kept on the server for this role, the newest first. */
export function listSeeded(connection: ConnectionSettings, context: RunContext): Promise<readonly StoredData[]> {
  return withClient(connection, profiles.probe, context, async (client) => {
    const kept = await listKept(client);
    const { rows } = await client.query<{ name: string; bytes: string; used: boolean }>(
      `select datname::text as name, pg_database_size(oid)::text as bytes,
              exists (select from pg_catalog.pg_stat_activity a where a.datid = d.oid and a.pid <> pg_backend_pid()) as used
         from pg_catalog.pg_database d where datname = any($1)`,
      [kept.map(({ database }) => database)],
    );
    const facts = new Map(rows.map(({ name, bytes, used }) => [name, { bytes: Number(bytes), inUse: used }]));
    // One may have been dropped between the two questions.
    return kept.flatMap((each) => {
      const fact = facts.get(each.database);
      return fact === undefined ? [] : { ...each, ...fact };
    });
  });
}

export interface DroppedData {
  readonly dropped: readonly KeptData[];
  /** Somebody works in them. */
  readonly inUse: readonly KeptData[];
}

/** Drops what is kept, or the one of that name. Nothing else is ever dropped. @throws DATABASE_MISSING for that name */
export function dropSeeded(
  { connection, database }: { readonly connection: ConnectionSettings; readonly database?: string },
  context: RunContext,
): Promise<DroppedData> {
  return withClient(connection, profiles.seed, context, async (client) => {
    // A run that looks for kept data holds it until it is connected to what it found.
    await client.query('select pg_advisory_lock($1::bigint)', [LOCK_KEY]);
    const all = await listKept(client);
    const wanted = all.filter((each) => database === undefined || each.database === database);
    if (database !== undefined && wanted.length === 0) {
      throw new StructdbError(
        'DATABASE_MISSING',
        `"${database}" is none of the ${formatCount(all.length)} kept databases.`,
        {
          hint: 'Run: structdb bench seed --list',
        },
      );
    }
    const [dropped, inUse]: [KeptData[], KeptData[]] = [[], []];
    for (const each of wanted) ((await dropKept(client, each)) ? dropped : inUse).push(each);
    return { dropped, inUse };
  });
}
