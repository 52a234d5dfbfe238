import { type ConnectionSettings, withDatabase } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { readHeartbeat } from '../../database/heartbeat.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';

import { type RecoveredXids, recoveredXids } from './source.ts';

/** What a recovered cluster says of itself, before anything is written to it. */
export interface Surroundings {
  /** Those that let anybody in, templates left out. */
  readonly databases: readonly string[];
  /** A DROP DATABASE that was interrupted left these: nobody is let in. */
  readonly halfDropped: readonly string[];
  /** The database that a write is tried in: the source's own, one with structdb's schema, the first, the one that lets in. */
  readonly connection: ConnectionSettings;
  readonly xids: RecoveredXids;
  readonly heartbeatAt: Date | undefined;
}

export async function lookAround(
  connection: ConnectionSettings,
  preferred: string | undefined,
  context: RunContext,
): Promise<Surroundings> {
  const { databases, halfDropped, xids } = await withClient(connection, profiles.drill, context, async (client) => {
    const { rows } = await client.query<{ name: string; half: boolean }>(
      // PostgreSQL source, src/include/catalog/pg_database.h: DATCONNLIMIT_INVALID_DB.
      `select datname as name, datconnlimit = -2 as half from pg_database where datallowconn and not datistemplate
        order by datname = 'postgres', datname`,
    );
    const names = (wanted: boolean) => rows.filter(({ half }) => half === wanted).map(({ name }) => name);
    return { databases: names(false), halfDropped: names(true), xids: await recoveredXids(client) };
  });
  let main = preferred !== undefined && databases.includes(preferred) ? preferred : undefined;
  let heartbeatAt: Date | undefined;
  for (const database of databases) {
    await withClient(withDatabase(connection, database), profiles.drill, context, async (client) => {
      const at = await readHeartbeat(client);
      if (at && (!heartbeatAt || at > heartbeatAt)) heartbeatAt = at;
      const { rows } = await client.query<{ own: boolean }>(
        `select to_regclass('structdb.kysely_migration') is not null as own`,
      );
      if (rows[0]!.own) main ??= database;
    });
  }
  return {
    databases,
    halfDropped,
    connection: withDatabase(connection, main ?? databases[0] ?? connection.database),
    xids,
    heartbeatAt,
  };
}
